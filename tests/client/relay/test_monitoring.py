"""What the relay says about itself: /health, /ready, /metrics and its log."""

import json
import re
from collections.abc import Callable
from datetime import datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stowport.relay import log, spool, target
from stowport.relay.forwarding import Forwarding
from tests.builders import instance, sop_uid, study_uid
from tests.client.relays import ServedRelay, until
from tests.client.stub import Stub

Serve = Callable[..., ServedRelay]


def ready(relay: ServedRelay) -> tuple[int, dict[str, str]]:
    answer = relay.get("/ready")
    return answer.status, json.loads(answer.body)


def samples(relay: ServedRelay) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(relay.get("/metrics").body.decode())
    return {
        (sample.name.removeprefix("stowport_relay_"), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_relay_is_alive_and_ready(served: Serve) -> None:
    relay = served()
    answer = relay.get("/health")
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok"})
    assert ready(relay) == (200, dict.fromkeys(("status", "target", "spool", "requests"), "ok"))
    assert relay.lines_of_requests() == []


def test_a_relay_whose_target_is_down_is_alive_but_not_ready(served: Serve) -> None:
    relay = served(url="http://127.0.0.1:9")
    status, said = ready(relay)
    assert (status, said["status"]) == (503, "not ready")
    assert "cannot be reached" in said["target"]
    assert relay.get("/health").status == 200
    assert samples(relay)["target_up",] == 0


def test_a_relay_whose_credentials_are_refused_says_so_at_its_start(
    stub: Stub, served: Serve
) -> None:
    stub.token = "secret"
    relay = served("--token", "other")
    (event,) = relay.events("target")
    assert event == {
        "event": "target",
        "up": False,
        "fault": "the server answers this relay with 401",
    }
    assert ready(relay)[0] == 503


def test_a_relay_whose_credentials_are_refused_asks_until_they_are_not(
    stub: Stub, served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target, "PAUSE_SECONDS", 0.02)
    stub.token = "secret"
    relay = served("--token", "other")
    stub.token = "other"
    until(lambda: ready(relay)[0] == 200)
    assert relay.events("target")[-1] == {"event": "target", "up": True, "fault": ""}


def test_a_relay_without_room_is_not_ready(served: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = served()
    monkeypatch.setattr(spool, "RESERVE", 10**18)
    assert ready(relay)[1]["spool"] == "the disk or the spool is full"
    assert relay.store(instance(1)).status == 503


def test_metrics_count_requests_instances_and_reasons(stub: Stub, served: Serve) -> None:
    relay = served()
    assert relay.store(instance(1), instance(2), path=f"/studies/{study_uid(1)}").status == 202
    assert relay.post(b"").status == 400
    assert relay.post(b"", method="BREW", path="/coffee").status == 400
    found = samples(relay)
    assert found["requests_total", "POST", "studies", "202"] == 1
    assert found["requests_total", "POST", "studies", "400"] == 1
    assert found["requests_total", "other", "other", "400"] == 1
    assert found["instances_total", "stored"] == len(stub.digests) == 1
    assert found["instances_total", "failed"] == found["failures_total", "C409"] == 1
    assert found["received_bytes_total",] > 1000
    assert found["request_seconds_count", "studies"] == 2
    assert found["requests_in_progress",] == found["spool_bytes",] == 0
    assert found["target_up",] == found["spool_has_room",] == 1


def test_a_line_of_the_log_has_counts_and_no_uids(stub: Stub, served: Serve) -> None:
    relay = served()
    relay.store(instance(1), instance(2), path=f"/studies/{study_uid(1)}")
    (line,) = relay.lines_of_requests()
    assert line["client"] == "127.0.0.1"
    assert (line["method"], line["resource"], line["status"]) == ("POST", "studies", 202)
    assert (line["stored"], line["failed"], line["reasons"]) == (1, 1, {"C409": 1})
    assert line["bytes"] > 1000
    assert 0 < line["seconds"] < 60
    assert not re.search(r"\d\.\d+\.\d+\.\d", str({**line, "client": ""}))
    assert sop_uid(2) not in str(line)
    assert stub.digests


def test_a_refusal_is_logged_with_its_reason(served: Serve) -> None:
    relay = served()
    relay.post(b"")
    (line,) = relay.lines_of_requests()
    assert line["status"] == 400
    assert "found an empty payload" in line["fault"]


def test_a_line_is_json_with_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    log.write(event="x", fault="", up=False, status=None, reasons={})
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert datetime.fromisoformat(said.pop("time")).tzinfo
    assert said == {"event": "x", "up": False}


def test_what_nobody_foresaw_is_503_and_said_without_its_words(
    served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("Mustermann^Max")

    monkeypatch.setattr(Forwarding, "forward", fail)
    relay = served()
    answer = relay.store(instance(1))
    assert (answer.status, answer.text.count("Mustermann")) == (503, 0)
    (line,) = relay.lines_of_requests()
    assert re.fullmatch(r"unforeseen: RuntimeError in test_monitoring.py, line \d+", line["fault"])

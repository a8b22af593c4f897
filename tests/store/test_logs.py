import json
from types import ModuleType
from typing import Any

import pytest

from archive.entries import Kept
from events.instances import PERSONAL, ROOT
from store import handler
from tests.store.deployment import EVENTS, event
from tests.store.lambdas import Store
from transaction import gateway, intake, journal

Lines = list[dict[str, Any]]
NAMES = sorted(path.stem for path in (EVENTS / "store").glob("*.json"))


def sent(store: Store, name: str) -> Lines:
    store.send(name)
    return store.lines()


def metrics(lines: Lines) -> dict[str, float]:
    """Return the values of all metrics in embedded metric format."""
    found: dict[str, float] = {}
    for line in lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            assert directive["Namespace"] == "Stowport/stowport"
            assert directive["Dimensions"] == [["service"]]
            found |= {each["Name"]: line[each["Name"]][0] for each in directive["Metrics"]}
    return found


def logged(lines: Lines) -> dict[str, Any]:
    (entry,) = (line for line in lines if line.get("message") in ("store", "refuse"))
    return entry


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_is_written_holds_a_value_of_the_instance(store: Store, name: str) -> None:
    payload = str(event(f"store/{name}")["body"])
    written = json.dumps(sent(store, name))
    assert [value for value in (*PERSONAL.values(), ROOT) if value in written] == []
    assert payload not in written


@pytest.mark.parametrize(
    ("room", "step"),
    [(intake, "receive"), (handler, "read_parts"), (gateway, "proxy_response")],
)
def test_the_message_of_an_unforeseen_exception_is_not_written(
    store: Store, monkeypatch: pytest.MonkeyPatch, room: ModuleType, step: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError(PERSONAL["PatientName"])

    monkeypatch.setattr(room, step, fails)
    lines = sent(store, "one-ct")
    assert PERSONAL["PatientName"] not in json.dumps(lines)
    (unforeseen,) = (line for line in lines if line.get("message") == "unforeseen")
    assert (unforeseen["level"], unforeseen["error"]) == ("ERROR", "RuntimeError")
    assert unforeseen["at"][-1].endswith(" fails")
    known = "3f9d2a1e-0c5b-4d59-9f57-6a0a5f1c2b3d" if room is not gateway else None
    assert unforeseen.get("request_id") == known


def test_an_unforeseen_error_of_the_archive_is_logged_once_with_its_place(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise KeyError(PERSONAL["PatientName"])

    monkeypatch.setattr("archive.archive.read", fails)
    lines = sent(store, "ten-instances")
    assert PERSONAL["PatientName"] not in json.dumps(lines)
    assert logged(lines)["failed"] == {"0110": 10}
    (unforeseen,) = (line for line in lines if line.get("message") == "unforeseen")
    assert (unforeseen["level"], unforeseen["error"]) == ("ERROR", "KeyError")
    assert unforeseen["at"][-1].endswith(" fails")
    assert unforeseen["request_id"] == "3f9d2a1e-0c5b-4d59-9f57-6a0a5f1c2b3d"


def test_what_the_archive_refuses_is_not_unforeseen(store: Store) -> None:
    store.send("one-ct")
    lines = sent(store, "other-bytes")
    assert [line["failed"] for line in lines if line.get("message") == "store"] == [{}, {"0111": 1}]
    assert [line for line in lines if line.get("message") == "unforeseen"] == []


def test_instances_of_another_patient_than_their_study_are_logged_and_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        handler, "keep", lambda instances, **_: [Kept(n < 3) for n in range(len(instances))]
    )
    lines = sent(store, "ten-instances")
    (found,) = (line for line in lines if line.get("message") == "patients differ")
    assert (found["level"], found["instances"]) == ("WARNING", 3)
    assert found["request_id"] == "3f9d2a1e-0c5b-4d59-9f57-6a0a5f1c2b3d"
    assert metrics(lines)["InstancesOfOtherPatients"] == 3
    assert metrics(lines)["InstancesStored"] == 10


def test_what_was_stored_and_what_failed_is_logged_with_the_request(store: Store) -> None:
    entry = logged(sent(store, "mixed"))
    assert (entry["status"], entry["stored"], entry["failed"]) == (202, 1, {"C000": 1})
    assert entry["texts"][0].startswith("part 2: ")
    assert entry["request_id"] == "3f9d2a1e-0c5b-4d59-9f57-6a0a5f1c2b3d"
    assert entry["left_out"] == {}


def test_a_refused_request_is_logged_with_its_reason(store: Store) -> None:
    entry = logged(sent(store, "empty"))
    assert (entry["status"], entry["reason"]) == (400, "C000")
    assert entry["texts"][0].startswith("found an empty payload")


def test_only_so_many_texts_of_a_request_are_logged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MAX_TEXTS", 1)
    entry = logged(sent(store, "unreadable"))
    assert (len(entry["texts"]), entry["failed"]) == (1, {"C000": 2})


def test_instances_and_bytes_are_counted(store: Store) -> None:
    counted = metrics(sent(store, "mixed"))
    assert counted["InstancesStored"] == counted["InstancesFailed"] == 1
    assert counted["PayloadBytes"] > 1000
    assert counted["IndexAttributesLeftOut"] == 0


def test_all_of_a_request_is_counted_in_one_line(store: Store) -> None:
    assert len([line for line in sent(store, "mixed") if "_aws" in line]) == 1


def test_refused_requests_are_counted(store: Store) -> None:
    assert metrics(sent(store, "empty")) == {"RequestsRefused": 1}

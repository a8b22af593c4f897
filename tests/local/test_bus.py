"""What is put on the bus is shown, and handed to a webhook until it takes it."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.events.models import Rule

from local import bus, polling, rules

DETAIL = {"studyInstanceUID": "1.2", "instances": [{}, {}], "request": {"way": "post"}}
QUIET = {"studyInstanceUID": "1.2", "numberOfInstances": 1}


def delivered(detail_type: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {"source": "stowport", "detail-type": detail_type, "detail": detail}


@pytest.mark.parametrize(
    ("detail_type", "detail", "line"),
    [
        ("Instances Stored", DETAIL, "Instances Stored 1.2 2 instances post"),
        ("Study Quiet", QUIET, "Study Quiet 1.2 1 instance"),
    ],
)
def test_an_event_is_a_line(detail_type: str, detail: dict[str, Any], line: str) -> None:
    assert bus.line(delivered(detail_type, detail)) == line


class Webhook(ThreadingHTTPServer):
    """A server that answers with ``statuses`` in turn, and keeps what it was sent."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses = list(statuses)
        self.received: list[tuple[dict[str, str], str, bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/events"
        self._serving = Thread(target=self.serve_forever, args=(0.02,))
        self._serving.start()

    @property
    def posted(self) -> list[tuple[str, Any]]:
        """The media type and the document of each request with JSON."""
        return [(headers["Content-Type"], json.loads(body)) for headers, _, body in self.received]

    def end(self) -> None:
        self.shutdown()
        self._serving.join()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((dict(self.headers), f"{self.command} {self.path}", body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        self.end_headers()

    do_PUT = do_POST  # noqa: N815 - the name that the server calls

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(Rule, "send_to_targets", Rule.send_to_targets)
    rules.send_events_as_they_are()
    monkeypatch.setattr(polling, "_LONGEST_SECONDS", 0.02)
    with mock_aws():
        yield boto3.client("events")


def put(events: Any, name: str) -> None:  # noqa: ANN401 - a client, whose types are not installed
    entry = {"EventBusName": name, "Source": "stowport", "DetailType": "Study Quiet"}
    events.put_events(Entries=[{**entry, "Detail": json.dumps(QUIET)}])


def wait_for(found: list[Any], number: int) -> None:
    end = time.monotonic() + 20
    while len(found) < number:
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["default", "another"])
def test_events_are_shown_and_posted(aws: Any, name: str) -> None:  # noqa: ANN401 - the same
    lines: list[str] = []
    webhook = Webhook()
    with bus.watched(name, webhook.url, lines.append):
        put(aws, name)
        wait_for(lines, 1)
    assert lines == ["Study Quiet 1.2 1 instance"]
    ((content_type, event),) = webhook.posted
    assert content_type == "application/json"
    assert (event["source"], event["detail"]) == ("stowport", QUIET)
    webhook.end()


def test_an_event_that_the_webhook_does_not_take_comes_again(
    aws: Any,  # noqa: ANN401 - the same
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(bus, "_SECONDS_TO_COME_AGAIN", 0)
    webhook = Webhook(500)
    with bus.watched("default", webhook.url, lines.append):
        put(aws, "default")
        wait_for(lines, 2)
    assert lines == [
        "Study Quiet 1.2 1 instance (the webhook did not take it: HTTPError)",
        "Study Quiet 1.2 1 instance",
    ]
    assert len(webhook.posted) == 2
    webhook.end()


def test_a_bus_is_made_once(aws: Any) -> None:  # noqa: ANN401 - the same
    for _ in range(2):
        with bus.watched("another", "", print):
            pass
    assert bus._buses(aws) == {"default", "another"}

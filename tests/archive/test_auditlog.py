from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from archive.auditlog import AuditLog, NotWritten

GROUP = "audit"
Logs = Any
"""A client of CloudWatch Logs, whose types are not installed."""


class Calls:
    """What is sent to CloudWatch Logs, and ``answers`` to some of it."""

    def __init__(self, log: AuditLog) -> None:
        self.sent: list[list[str]] = []
        self.answer: dict[str, Any] = {}
        put = log._logs.put_log_events

        def put_log_events(**request: Any) -> Any:  # noqa: ANN401 - an answer of boto3
            self.sent.append([event["message"] for event in request["logEvents"]])
            return {**put(**request), **self.answer}

        log._logs.put_log_events = put_log_events


@pytest.fixture
def group() -> Iterator[Logs]:
    with mock_aws():
        logs: Logs = boto3.client("logs")
        logs.create_log_group(logGroupName=GROUP)
        yield logs


def kept(group: Logs) -> list[str]:
    found = group.filter_log_events(logGroupName=GROUP)["events"]
    return [event["message"] for event in found]


def test_messages_are_in_the_log_in_their_order(group: Logs) -> None:
    log = AuditLog(GROUP)
    log.write(["<a/>", "<b/>"])
    log.write(["<c/>"])
    assert kept(group) == ["<a/>", "<b/>", "<c/>"]


def test_nothing_is_sent_for_no_messages(group: Logs) -> None:
    log = AuditLog(GROUP)
    calls = Calls(log)
    log.write([])
    assert calls.sent == []
    assert kept(group) == []


def test_each_environment_has_a_stream_of_its_own_and_makes_it_once(
    group: Logs,
) -> None:
    for log in (AuditLog(GROUP), AuditLog(GROUP)):
        log.write(["<a/>"])
        log.write(["<b/>"])
    streams = group.describe_log_streams(logGroupName=GROUP)["logStreams"]
    assert len(streams) == 2


def test_a_stream_that_somebody_deleted_is_made_again(group: Logs) -> None:
    log = AuditLog(GROUP)
    log.write(["<a/>"])
    (stream,) = group.describe_log_streams(logGroupName=GROUP)["logStreams"]
    group.delete_log_stream(logGroupName=GROUP, logStreamName=stream["logStreamName"])
    log.write(["<b/>"])
    assert kept(group) == ["<b/>"]


def test_a_stream_that_another_thread_just_made_is_used(group: Logs) -> None:
    log = AuditLog(GROUP)
    log._create_stream()
    log._create_stream()
    log.write(["<a/>"])
    assert kept(group) == ["<a/>"]


def test_a_call_carries_no_more_than_it_may(group: Logs) -> None:
    log = AuditLog(GROUP)
    log._create_stream()
    calls = Calls(log)
    half = "ä" * ((1_048_576 // 2 - 26) // 2)
    log.write([half, half, "<a/>"])
    assert [len(batch) for batch in calls.sent] == [2, 1]
    calls.sent.clear()
    log.write(["<a/>"] * 10_001)
    assert [len(batch) for batch in calls.sent] == [10_000, 1]
    assert len(group.describe_log_streams(logGroupName=GROUP)["logStreams"]) == 1


def test_without_its_group_nothing_is_written_and_an_error_raised() -> None:
    with mock_aws(), pytest.raises(ClientError, match="ResourceNotFoundException"):
        AuditLog(GROUP).write(["<a/>"])


def test_another_error_is_not_taken_for_a_missing_stream(
    group: Logs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = AuditLog(GROUP)

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutLogEvents")

    monkeypatch.setattr(log._logs, "put_log_events", refuse)
    with pytest.raises(ClientError, match="AccessDenied"):
        log.write(["<a/>"])
    assert kept(group) == []


def test_messages_that_the_log_rejects_are_not_taken_for_written(
    group: Logs,
) -> None:
    log = AuditLog(GROUP)
    log._create_stream()
    Calls(log).answer = {"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 1}}
    with pytest.raises(NotWritten):
        log.write(["<a/>"])
    assert len(kept(group)) == 1

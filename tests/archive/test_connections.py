"""Connections that died while nobody used them, and answers that are not whole."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from zlib import crc32

import pytest
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import ClientError

from archive import clients, connections
from archive.deadline import Deadline
from archive.errors import archive_error
from archive.index import Index
from archive.items import ItemKey
from archive.objects import Objects
from archive.queues import Queue
from dicomweb.reasons import FailureReason
from tests.archive.deployment import BUCKET, TABLE, instance
from tests.archive.pooling_server import Death, PoolingServer, serve

STUDY = ItemKey("1.2", "study")
ITEM = {**STUDY.item(), "PatientName": {"S": "Grün^Anna"}}
BODY = json.dumps(
    {"Responses": {TABLE: [ITEM]}, "UnprocessedKeys": {}}, ensure_ascii=False
).encode()
PUT = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 0\r\n\r\n'

POOLED = 3
"""As many as the attempts that are made."""

Call = Callable[[], None]
Calling = Callable[[PoolingServer], Call]


def answer(body: bytes = BODY, *, crc: int | None = None, status: int = 200) -> bytes:
    crc = crc32(body) if crc is None else crc
    head = f"HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\nx-amz-crc32: {crc}\r\n\r\n"
    return head.encode() + body


SENT = answer(json.dumps({"MessageId": "1"}).encode())
ANSWERS = {"reading": answer(), "putting": PUT, "sending": SENT}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for an answer or between attempts."""
    monkeypatch.setattr("archive.connections.random", lambda: 0)
    monkeypatch.setattr(clients, "_CONFIG", clients._CONFIG.merge(Config(read_timeout=1)))
    monkeypatch.setattr(clients, "PUT_TIMEOUT", 1)


@pytest.fixture
def reading(session: Session, monkeypatch: pytest.MonkeyPatch) -> Calling:
    def make(server: PoolingServer) -> Call:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        index = Index(TABLE, session)

        def read() -> None:
            assert index.read([STUDY], Deadline(20)) == {STUDY: ITEM}

        return read

    return make


@pytest.fixture
def putting(session: Session, monkeypatch: pytest.MonkeyPatch) -> Calling:
    def make(server: PoolingServer) -> Call:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        objects = Objects(BUCKET, session, None)
        return lambda: objects.put(instance(), "0" * 64, deadline=Deadline(20))

    return make


@pytest.fixture
def sending(session: Session, monkeypatch: pytest.MonkeyPatch) -> Calling:
    def make(server: PoolingServer) -> Call:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setattr("archive.queues.Session", lambda **_: session)
        queue = Queue(f"{server.url}/123456789012/failed")
        return lambda: queue.send("message")

    return make


@pytest.fixture(params=["reading", "putting", "sending"])
def calling(request: pytest.FixtureRequest) -> Calling:
    made: Calling = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[PoolingServer]:
    """A server that answers the first few requests together, so that each has its connection.

    It answers the next one by itself, and then as many together again.
    """
    together = Barrier(POOLED)
    (whole,) = (ANSWERS[each] for each in request.node.callspec.params.values() if each in ANSWERS)

    def answering(number: int) -> bytes:
        if number != POOLED + 1:
            together.wait(20)
        return whole

    with serve(answering) as running:
        yield running


def fill_pool(call: Call) -> None:
    with ThreadPoolExecutor(POOLED) as pool:
        for each in [pool.submit(call) for _ in range(POOLED)]:
            each.result(20)


@pytest.mark.parametrize("death", Death)
def test_dead_connections_cost_one_attempt_at_most(
    server: PoolingServer, calling: Calling, death: Death
) -> None:
    call = calling(server)
    fill_pool(call)
    assert server.connections == POOLED
    server.kill(death)

    start = time.monotonic()
    call()

    assert time.monotonic() - start < 3
    assert server.unanswered <= 1
    assert server.connections == POOLED + 1


@pytest.mark.parametrize("death", Death)
def test_one_dead_connection_tells_of_the_others(
    server: PoolingServer, calling: Calling, death: Death
) -> None:
    call = calling(server)
    fill_pool(call)
    server.kill(death)

    call()
    fill_pool(call)

    assert server.unanswered <= 1


def test_several_that_were_not_answered_open_one_new_pool(session: Session) -> None:
    objects = Objects(BUCKET, session, None)
    failed = objects._stores.store(0, 0)

    objects._stores.leave(failed)
    successor = objects._stores.store(0, 0)
    objects._stores.leave(failed)

    assert objects._stores.store(0, 0) is successor is not failed


def test_old_connections_are_not_used(
    server: PoolingServer, calling: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SECONDS_KEPT", 0.05)
    monkeypatch.setattr(clients, "SECONDS_KEPT", 0.05)
    call = calling(server)
    fill_pool(call)
    server.kill(Death.FORGOTTEN)
    time.sleep(0.2)  # it is this time itself that makes them old

    call()

    assert server.unanswered == 0


@pytest.mark.parametrize(("passed", "opened"), [(1, 0), (25, 1), (3600, 1), (-60, 1)])
def test_the_age_of_connections_is_told_by_the_wall_clock(
    reading: Calling, monkeypatch: pytest.MonkeyPatch, passed: float, opened: int
) -> None:
    clock = [1e9]
    monkeypatch.setattr(connections, "time", type("Clock", (), {"time": lambda: clock[0]}))

    with serve(lambda _: answer()) as server:
        call = reading(server)
        call()
        clock[0] += passed
        call()

        assert server.connections == 1 + opened


def test_an_outage_uses_up_no_attempts_of_the_calls_after_it(reading: Calling) -> None:
    refusing = answer(b'{"__type": "InternalServerError"}', status=500)
    outage = 60 * clients.ATTEMPTS

    def answering(number: int) -> bytes:
        return refusing if number <= outage or number % clients.ATTEMPTS else answer()

    with serve(answering) as server:
        call = reading(server)
        for _ in range(60):
            with pytest.raises(ClientError):
                call()
        for _ in range(5):
            call()

        assert server.requests == outage + 5 * clients.ATTEMPTS


HEAD_END = answer().index(b"\r\n\r\n") + 4
CUTS: dict[str, bytes] = {
    "status": answer()[:15],
    "status-line": answer()[:17],
    "field-name": answer()[:30],
    "length": answer()[: answer().index(b"x-amz") - 4],
    "before-crc": answer()[: answer().index(b"x-amz")],
    "crc-name": answer()[: answer().index(b"x-amz") + 9],
    "crc": answer()[: HEAD_END - 6],
    "head": answer()[:HEAD_END],
    "body": answer()[:-7],
    "letter": answer()[: answer().index("ü".encode()) + 1],
    "page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
    "refusal": b"HTTP/1.1 400 -\r\nServer: Server\r\n",
    "refusal-body": answer(b'{"__type":"com.amazon', status=400, crc=1),
}
DAMAGED: dict[str, bytes] = {
    "crc-wrong": answer(crc=1),
    "value": answer(BODY.replace(b"Anna", b"Anne"), crc=crc32(BODY)),
    "not-json": answer(BODY.replace(b"{", b"[", 1), crc=crc32(BODY)),
    "not-utf-8": answer(BODY.replace("ü".encode(), b"\xfc\xfc"), crc=crc32(BODY)),
    "error-with-success": answer(b'{"__type": "InternalServerError"}'),
    "other-shape": answer(b'{"Responses": 1}', crc=crc32(BODY)),
}
BROKEN = [*CUTS.items(), *DAMAGED.items()]


@pytest.mark.parametrize("broken", [each for _, each in BROKEN], ids=[name for name, _ in BROKEN])
def test_an_answer_that_is_not_whole_is_asked_for_again(reading: Calling, broken: bytes) -> None:
    with serve(lambda number: broken if number == 1 else answer()) as server:
        server.closes = lambda number: number == 1 and broken in CUTS.values()
        reading(server)()

        assert server.requests == 2


@pytest.mark.parametrize("broken", [each for _, each in BROKEN], ids=[name for name, _ in BROKEN])
def test_answers_that_are_never_whole_are_temporary(reading: Calling, broken: bytes) -> None:
    with serve(lambda _: broken) as server:
        server.closes = lambda _: broken in CUTS.values()
        with pytest.raises(Exception) as raised:  # noqa: PT011 - of several classes
            reading(server)()

        assert server.requests == 3
    error = archive_error(raised.value)
    assert error.reason is FailureReason.OUT_OF_RESOURCES
    assert error.unforeseen is None


def test_an_answer_without_a_checksum_is_believed_by_its_length(reading: Calling) -> None:
    whole = answer()
    start, end = whole.index(b"x-amz"), whole.index(b"\r\n\r\n") + 2

    with serve(lambda _: whole[:start] + whole[end:]) as server:
        reading(server)()

        assert server.requests == 1


@pytest.mark.parametrize(
    ("head", "whole"),
    [
        ({"content-length": "5"}, True),
        ({"transfer-encoding": "chunked"}, True),
        ({"server": "AmazonS3"}, False),
    ],
)
def test_the_head_of_an_answer_of_s3_says_how_long_it_is(
    head: dict[str, str], *, whole: bool
) -> None:
    found: dict[str, Any] = {"headers": head, "body": b"", "status_code": 200}

    assert connections.is_whole_of_s3(found) is whole
    assert connections.is_whole_of_s3({**found, "status_code": 204})

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from archive.archive import Archive
from archive.entries import DuplicatePolicy, Kept
from tests.archive.deployment import COMMIT, INSERT, OBJECT, PARENT, PROVENANCE, READ, instance
from tests.bench.aws_stub import Aws, Connection
from tests.bench.latencies import Latency

FAST, SLOW, NEVER = Latency(0.001, 0.001), Latency(0.02, 0.02), Latency(600, 600)


@contextmanager
def stub(**latencies: Latency) -> Iterator[tuple[Aws, int]]:
    """Serve S3 and DynamoDB in a thread; give them and their port."""
    aws = Aws(latencies)
    loop = asyncio.new_event_loop()
    connections: list[Connection] = []

    def connection() -> Connection:
        connections.append(Connection(aws, loop))
        return connections[-1]

    def stop() -> None:
        for each in connections:
            each.transport.abort()
        loop.call_soon(loop.stop)

    server = loop.run_until_complete(loop.create_server(connection, "127.0.0.1", 0))
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield aws, server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(stop)
        thread.join()
        server.close()
        loop.close()


def put(study: str) -> bytes:
    path = f"/bucket/studies/{study}/series/1/instances/1.1/0.dcm"
    return f"PUT {path} HTTP/1.1\r\nContent-Length: 7\r\n\r\ncontent".encode()


def read(study: str) -> bytes:
    key = {"StudyInstanceUID": {"S": study}, "Resource": {"S": "study"}}
    body = json.dumps({"RequestItems": {"index": {"Keys": [key]}}})
    head = f"POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB.BatchGetItem\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n{body}".encode()


def answers(port: int, request: bytes, number: int) -> list[bytes]:
    """Send ``request`` over a connection of its own; return the first lines of the answers."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        received = b""
        while received.count(b"HTTP/1.1 ") < number:
            received += connection.recv(4096)
    return received.split(b"HTTP/1.1 ")[1:]


def test_answers_on_different_connections_do_not_wait_for_one_another() -> None:
    with (
        stub(PutObject=NEVER, BatchGetItem=FAST) as (aws, port),
        socket.create_connection(("127.0.0.1", port)) as waiting,
    ):
        waiting.sendall(put("1.2"))
        while not aws.counts["PutObject"]:
            time.sleep(0.001)
        assert len(answers(port, read("1.3"), 1)) == 1


def test_answers_on_one_connection_keep_the_order_of_the_requests() -> None:
    with stub(PutObject=SLOW, BatchGetItem=FAST) as (aws, port):
        first, second, third = answers(port, put("1.2") + read("1.2") + put("1.3"), 3)
    assert b"ETag" in first
    assert b"crc32" in second
    assert b"ETag" in third
    assert [call["operation"] for call in aws.calls] == ["PutObject", "BatchGetItem", "PutObject"]


def test_it_notes_whom_a_call_was_for_and_how_long_it_took() -> None:
    with stub(PutObject=FAST) as (_, port):
        answers(port, put("1.2"), 1)
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for expected in (1, 0):  # what was told is forgotten
            connection.request("GET", "/-/calls")
            calls = json.loads(connection.getresponse().read())
            assert len(calls) == expected
            for call in calls:
                assert (call["study"], call["instances"]) == ("1.2", ["1.1"])
                assert call["seconds"] >= FAST.median
        connection.close()


def test_without_latencies_it_answers_at_once_and_notes_nothing() -> None:
    with stub() as (aws, port):
        answers(port, put("1.2"), 1)
    assert aws.counts == {"PutObject": 1}
    assert aws.calls == []


def test_it_answers_every_call_with_which_the_archive_stores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with stub(PutObject=FAST) as (aws, port):
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        archive = Archive(bucket="bucket", table="index", duplicate_policy=DuplicatePolicy.REPLACE)

        def keep(*instances: object) -> list[object]:
            return list(archive.keep(instances, seconds=20, provenance=PROVENANCE))  # type: ignore[arg-type]  # of instance()

        assert keep(instance(1), instance(2)) == [Kept(), Kept()]
        assert keep(instance(1, b"other bytes"), instance(3, series="2", modality="MR")) == [
            Kept(),
            Kept(),
        ]
        archive.wait()
    called = {call.partition(".")[2] for call in (READ, OBJECT, INSERT, PARENT, COMMIT)}
    assert called <= aws.counts.keys()
    assert len(aws.objects) == 4
    assert aws.items["1.2", "study"]["ModalitiesInStudy"] == {"SS": ["CT", "MR"]}
    assert aws.items["1.2", "instances/1.2.1/1.2.1.1"]["Size"] == {"N": "11"}

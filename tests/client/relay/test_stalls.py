"""Nobody waits for another: not for a slow client, a slow request or a slow server."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from stowport.relay import server
from stowport.relay.turns import Turns
from tests.answers import Answer
from tests.builders import content_type, instance, multipart, part, sop_uid
from tests.client.relays import ServedRelay, until
from tests.client.stub import Stub
from tests.client.test_relay import large

Serve = Callable[..., ServedRelay]

CLIENTS = 12
AT_ONCE = 3.0
"""Seconds, on a machine that does much else; alone, it takes some milliseconds."""


@pytest.fixture
def clients() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(CLIENTS) as threads:
        yield threads


def sent(clients: ThreadPoolExecutor, relay: ServedRelay, *numbers: int) -> list[Future[Answer]]:
    return [clients.submit(relay.store, instance(number)) for number in numbers]


def all_but_started(relay: ServedRelay, count: int) -> bool:
    gauge = f"stowport_relay_requests_in_progress {float(count)}\n".encode()
    return gauge in relay.get("/metrics").body


def test_twelve_clients_of_a_slow_server_do_not_stall_options_and_refusals(
    stub: Stub, served: Serve, clients: ThreadPoolExecutor
) -> None:
    relay = served()
    stub.open.clear()
    answers = sent(clients, relay, *range(CLIENTS))
    until(lambda: all_but_started(relay, CLIENTS))
    until(lambda: len(stub.seen) == 4)
    for method, path, status in (
        ("OPTIONS", "/studies", 200),
        ("POST", "/studies", 400),
        ("GET", "/nothing", 400),
        ("GET", "/health", 200),
        ("GET", "/ready", 200),
    ):
        started = time.monotonic()
        assert relay.post(b"", path, method=method).status == status
        assert time.monotonic() - started < AT_ONCE
    assert not any(answer.done() for answer in answers)
    stub.open.set()
    assert [answer.result().status for answer in answers] == [200] * CLIENTS


def test_a_body_comes_in_while_the_server_is_slow(
    stub: Stub, served: Serve, clients: ThreadPoolExecutor
) -> None:
    relay = served("--parallel", "1")
    stub.open.clear()
    answers = sent(clients, relay, 1, 2)
    until(lambda: len(stub.seen) == 1)
    answers.append(clients.submit(relay.store, large(3)))
    until(lambda: stub.uploads)  # so it is on disk, and on its way past the small ones
    stub.open.set()
    assert [answer.result().status for answer in answers] == [200] * 3


def test_small_requests_do_not_wait_for_large_ones(
    stub: Stub, served: Serve, clients: ThreadPoolExecutor
) -> None:
    stub.holds_uploads.set()
    relay = served("--parallel", "2")
    answers = [clients.submit(relay.store, large(number)) for number in range(4)]
    until(lambda: stub.uploads)
    assert relay.store(instance(9)).stored == [sop_uid(9)]
    assert not any(answer.done() for answer in answers)
    stub.holds_uploads.clear()
    assert [answer.result().status for answer in answers] == [200] * 4


def test_a_slow_client_holds_up_nobody_and_is_given_up(stub: Stub, served: Serve) -> None:
    relay = served("--patience", "1", "--clients", "2")
    body = multipart(part(instance(1)))
    head = (
        f"POST /studies HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type()}\r\n"
        f"Content-Length: {len(body) + 1}\r\n\r\n"
    )
    with socket.create_connection(relay.address) as connection:
        connection.sendall(head.encode() + body)
        assert relay.store(instance(2)).status == 200
        said = b"".join(iter(lambda: connection.recv(10_000), b""))
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"no byte of it came for 1 seconds" in said
    assert len(stub.digests) == 1


@pytest.mark.parametrize("sent", [b"", b"POST /studies HTTP/1.1\r\nHost: loc"])
def test_a_connection_without_a_request_is_closed(
    served: Serve, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(server, "_HEAD_SECONDS", 0.2)
    with socket.create_connection(served().address, AT_ONCE) as connection:
        connection.sendall(sent)
        assert connection.recv(1) == b""


def test_a_body_that_has_its_answer_cannot_stop_half_way(
    served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_HEAD_SECONDS", 0.2)
    head = b"POST /studies HTTP/1.1\r\nHost: localhost\r\nOrigin: a\r\nContent-Length: 9\r\n\r\n"
    with socket.create_connection(served().address, AT_ONCE) as connection:
        connection.sendall(head)
        said = connection.recv(10_000)
        connection.sendall(b"x")
        said += b"".join(iter(lambda: connection.recv(10_000), b""))
    assert said.startswith(b"HTTP/1.1 403 ")


def test_one_client_more_than_there_are_places_for_is_asked_to_come_later(
    stub: Stub, served: Serve, clients: ThreadPoolExecutor
) -> None:
    relay = served("--clients", "2")
    stub.open.clear()
    answers = sent(clients, relay, 1, 2)
    until(lambda: all_but_started(relay, 2))
    answer = relay.store(instance(3))
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert "found 2 requests under way" in answer.text
    assert relay.get("/ready").status == 503
    stub.open.set()
    assert [answer.result().status for answer in answers] == [200, 200]
    assert relay.store(instance(3)).status == 200


def test_requests_take_turns() -> None:
    done: list[str] = []
    held = Turns[None](1, "test")
    pieces = {
        name: [lambda each=f"{name}{number}": done.append(each) for number in range(3)]
        for name in "ab"
    }
    gate: Future[None] = Future()
    held.start([gate.result])
    futures = [future for each in pieces.values() for future in held.start(each)]
    gate.set_result(None)
    for future in futures:
        future.result()
    assert done == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_work_that_fails_fails_for_the_one_who_waits_for_it() -> None:
    good, bad = Turns[int](1, "test").start([lambda: 1, lambda: 1 // 0])
    assert good.result() == 1
    with pytest.raises(ZeroDivisionError):
        bad.result()


def test_a_relay_that_ends_answers_503_to_what_has_no_answer_yet(
    stub: Stub, served: Serve, clients: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stowport.relay.server._FINISH_SECONDS", 0.1)
    relay = served()
    stub.open.clear()
    (answer,) = sent(clients, relay, 1)
    until(lambda: stub.seen)
    relay.server.should_exit = True
    assert answer.result().status == 503
    assert relay.lines_of_requests()[0]["fault"] == "the relay ended before the answer came"

"""A server that is down: who notices, who waits, and how it ends."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from stowport import transport
from stowport.credentials import Credentials
from stowport.messages import Request
from stowport.relay import target
from stowport.relay.target import GuardedTransport, Probe, Target
from stowport.transport import Transport, Unreachable
from tests.builders import instance, study_uid
from tests.client.relays import ServedRelay, until
from tests.client.stub import Reply, Stub, serving, status_report

Serve = Callable[..., ServedRelay]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "PAUSE_SECONDS", 0.05)


@contextmanager
def a_port() -> Iterator[socket.socket]:
    """Give an address at which nobody listens yet."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener


def guarded(url: str, tries: int = 2) -> GuardedTransport:
    return GuardedTransport.around(
        Transport(Credentials(), connections=1, tries=tries), Target(url)
    )


def post(url: str) -> Request:
    return Request(method="POST", url=url, headers={})


def test_a_server_that_is_down_is_503_before_the_body_has_come(served: Serve) -> None:
    relay = served(url="http://127.0.0.1:9")
    head = b"POST /studies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000000\r\n\r\n"
    with socket.create_connection(relay.address) as connection:
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 503 ")
    answer = relay.store(instance(1))
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert "the server is down" in answer.text
    assert relay.post(b"", method="OPTIONS").status == 503
    assert relay.get(f"/commitment-requests/{study_uid(1)}").status == 503


def test_a_server_that_comes_up_is_used_again_without_anyone_asking(served: Serve) -> None:
    with a_port() as listener:
        relay = served(url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert relay.store(instance(1)).status == 503
        listener.listen()
        with serving(listener) as stub:
            until(lambda: relay.get("/ready").status == 200)
            assert stub.seen == []
            assert relay.store(instance(1)).status == 200
    assert [event["up"] for event in relay.events("target")] == [False, True]


def test_a_server_that_goes_down_during_a_request_ends_its_tries(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "FIRST_DELAY", 600.0)
    connection = guarded(stub.url)
    stub.script["POST"] = [None]
    with ThreadPoolExecutor() as threads:
        sent = threads.submit(connection.exchange, post(f"{stub.url}/studies"))
        until(lambda: stub.seen)
        connection.target.down = "it answers 503"
        with pytest.raises(Unreachable, match="the server is down: it answers 503"):
            sent.result()


def test_a_server_that_owes_an_answer_is_probed(stub: Stub, served: Serve) -> None:
    relay = served()
    stub.open.clear()
    stub.script["PROBE"] = [Reply(status=500), status_report(503, "down"), Reply(status=503)]
    with ThreadPoolExecutor() as threads:
        sent = threads.submit(relay.store, instance(1))
        until(lambda: len(relay.events("target")) == 3)
        stub.open.set()
        assert sent.result().status == 200
    assert [event["fault"] for event in relay.events("target")] == ["", "it answers 503", ""]


def test_nothing_more_is_sent_to_a_server_that_did_not_answer() -> None:
    connection = guarded("http://127.0.0.1:9")
    with pytest.raises(Unreachable, match="cannot be reached"):
        connection.exchange(post("http://127.0.0.1:9/studies"))
    started = time.process_time()
    with pytest.raises(Unreachable, match="the server is down: http://127"):
        connection.exchange(post("http://127.0.0.1:9/studies"))
    assert time.process_time() - started < 1


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_that_stands_before_a_dead_server_is_down_too(stub: Stub, status: int) -> None:
    connection = guarded(stub.url, tries=1)
    stub.script["POST"] = [Reply(status=status)]
    assert connection.exchange(post(f"{stub.url}/studies")).status == status
    assert connection.target.down == f"it answers {status}"


def test_a_server_that_is_busy_is_not_down(stub: Stub) -> None:
    connection = guarded(stub.url, tries=1)
    stub.script["POST"] = [Reply(status=503)]
    assert connection.exchange(post(f"{stub.url}/studies")).status == 503
    assert connection.target.down == ""


def test_the_hosts_of_uploads_are_asked_whatever_the_server_does(stub: Stub) -> None:
    connection = guarded("http://127.0.0.1:9", tries=1)
    connection.target.down = "it answers 502"
    assert connection.exchange(post(f"{stub.url}/studies")).status == 400


@pytest.mark.process
def test_a_token_command_that_fails_is_said_at_the_start() -> None:
    said: list[tuple[str, str]] = []
    connection = Transport(Credentials(None, "false"), connections=1)
    probe = Probe(Target("http://127.0.0.1:9"), connection, lambda *state: said.append(state))
    probe.check()
    probe.tell()
    ((down, unusable),) = said
    assert down == ""
    assert "token command failed" in unusable


def test_a_redirect_is_said_at_the_start(stub: Stub) -> None:
    stub.script["PROBE"] = [Reply(status=301)]
    found = Target(stub.url)
    Probe(found, Transport(Credentials(), connections=1), print).check()
    assert found.unusable == "the server answers this relay with 301"


def test_a_probe_ends_when_the_relay_does() -> None:
    connection = Transport(Credentials(), connections=1)
    connection.stop.set()
    found = Target("http://127.0.0.1:9")
    Probe(found, connection, print).check()
    assert (found.down, found.unusable) == ("", "")

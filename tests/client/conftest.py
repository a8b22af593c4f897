import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from stowport import staging, transport, uploads
from tests.client.relays import RunningRelay, ServedRelay, serve, start
from tests.client.stub import Stub, serving


@pytest.fixture(scope="session")
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield listener


@pytest.fixture
def stub(listener: socket.socket) -> Iterator[Stub]:
    with serving(listener) as server:
        yield server


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Wait for next to nothing between tries, and keep journals with the test."""
    monkeypatch.setattr(transport, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(staging, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(uploads, "_FIRST_POLL_SECONDS", 0.01)
    monkeypatch.setattr(uploads, "_POLL_SECONDS", 0.01)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("STOWPORT_TOKEN", raising=False)


@pytest.fixture(scope="session")
def relays() -> Iterator[Callable[..., RunningRelay]]:
    """Start a relay to a URL with further arguments, unless it runs already."""
    with ExitStack() as stack:
        yield cache(lambda url, *arguments: stack.enter_context(start(url, *arguments)))


@pytest.fixture
def relay(stub: Stub, relays: Callable[..., RunningRelay]) -> Iterator[Callable[..., RunningRelay]]:
    """Give a relay to the stub with further arguments; one that is ``alone`` ends with the test."""
    with ExitStack() as stack:

        def given(*arguments: str, url: str = stub.url, alone: bool = False) -> RunningRelay:
            if alone:
                return stack.enter_context(start(url, *arguments))
            return relays(url, *arguments)

        yield given


@pytest.fixture
def served(stub: Stub) -> Iterator[Callable[..., ServedRelay]]:
    """Serve a relay to the stub, with further arguments, in a thread of the test."""
    with ExitStack() as stack:

        def given(*arguments: str, url: str = stub.url) -> ServedRelay:
            return stack.enter_context(serve(url, *arguments))

        yield given

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from stowport import transport, uploads
from tests.client.relays import RunningRelay, start
from tests.client.stub import Stub, serving


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Wait for next to nothing between tries, and keep journals with the test."""
    monkeypatch.setattr(transport, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(uploads, "_POLL_SECONDS", 0.01)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("STOWPORT_TOKEN", raising=False)


@pytest.fixture
def relay(stub: Stub) -> Iterator[Callable[..., RunningRelay]]:
    """Start a relay to the stub with further arguments; it is stopped after the test."""
    with ExitStack() as stack:
        yield lambda *arguments, url=stub.url: stack.enter_context(start(url, *arguments))

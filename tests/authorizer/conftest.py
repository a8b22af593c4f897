from collections.abc import Iterator
from dataclasses import dataclass
from threading import Thread

import pytest

from authorizer import handler
from tests.authorizer.loopback import Handler, LoopbackIssuer, Server, signing_key


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("authorizer.issuer_keys.time", clock)
    return clock


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def issuer(server: Server) -> LoopbackIssuer:
    server.issuer = LoopbackIssuer(f"http://127.0.0.1:{server.server_address[1]}")
    server.issuer.publish(signing_key("first").jwk)
    return server.issuer


@pytest.fixture(autouse=True)
def fresh_environment() -> None:
    handler.keys_of.cache_clear()
    handler._say_once.cache_clear()

"""The HTTP server around the relay: uvicorn, its listener, and what signals do to it."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from stowport.relay.application import Relay
from stowport.relay.listener import Certificates

_FINISH_SECONDS = 30
_BACKLOG = 128
_FURTHER_CONNECTIONS = 800
"""For requests that are no store transactions, and connections that are kept alive, of which a load
balancer may leave hundreds open. A process may usually open 1,024 files."""


_HEAD_SECONDS = 30.0
"""For the head of a request, and without a byte of a body that was answered before its end."""


class Connection(H11Protocol):
    """uvicorn's connection, but one on which no request is under way is not kept for ever."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of a head, or of a body that has its answer."""
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
            if not self.cycle.response_complete:
                return
        if self._waiting is None:
            self._waiting = self.loop.call_later(_HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._waiting:
            self._waiting.cancel()
        self._waiting = None


class Server(uvicorn.Server):
    """uvicorn; ``reload`` is called for SIGHUP, ``stop`` when it begins to shut down."""

    def __init__(
        self, config: uvicorn.Config, reload: Callable[[], None], stop: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self.reload = reload
        self._stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and take SIGHUP where there is one."""
        await super().startup(sockets)
        if hasattr(signal, "SIGHUP") and threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.reload)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests be answered with the outcomes of their parts so far."""
        self._stop()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises ValueError if it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ValueError(f"cannot listen on {host}:{port}: {error.strerror}") from error


def configured(
    relay: Relay, certificates: Certificates | None, *, clients: int, keep_alive: int
) -> uvicorn.Config:
    """Return how uvicorn serves ``relay``, of which ``clients`` may store at a time.

    Beyond the connections that these and some more need, it answers 503 by itself.
    """
    config = uvicorn.Config(
        relay,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=clients + _FURTHER_CONNECTIONS,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=_FINISH_SECONDS,
    )
    config.load()
    if certificates:
        config.ssl = certificates.context
    return config


def serve(server: Server, listener: socket.socket) -> None:
    """Serve until told to end."""
    with suppress(KeyboardInterrupt):  # raised by uvicorn after an orderly end
        server.run([listener])

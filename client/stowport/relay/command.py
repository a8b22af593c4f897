"""``stowport relay``: the HTTP server around the relay."""

import argparse
import socket
import sys
from contextlib import suppress

import uvicorn

from stowport.delivery import Delivery
from stowport.relay.application import Relay
from stowport.relay.forwarding import Forwarding
from stowport.transport import Transport

_KEEP_ALIVE_SECONDS = 75
_FINISH_SECONDS = 30
_BACKLOG = 128


class _Server(uvicorn.Server):
    """uvicorn; when it shuts down, parts that were not sent on yet are refused for now."""

    def __init__(self, config: uvicorn.Config, connection: Transport) -> None:
        super().__init__(config)
        self._connection = connection

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests be answered with the outcomes of their parts so far."""
        self._connection.stop.set()
        await super().shutdown(sockets)


def run(chosen: argparse.Namespace, connection: Transport) -> int:
    """Serve until told to end; return the exit code."""
    try:
        listener = _listen(*chosen.listen)
    except OSError as error:
        sys.stderr.write(f"stowport: cannot listen on this address: {error.strerror}\n")
        return 2
    delivery = Delivery(connection, chosen.url, chosen.limit)
    forwarding = Forwarding(delivery, chosen.parallel)
    names = frozenset((chosen.listen[0].lower(), *chosen.host))
    relay = Relay(
        forwarding=forwarding,
        connection=connection,
        base_url=chosen.url,
        spool=chosen.spool,
        names=names,
        log=_print,
    )
    host, port = listener.getsockname()[:2]
    _print(f"Relaying http://{host}:{port}/studies to {chosen.url}/studies")
    with suppress(KeyboardInterrupt):  # raised by uvicorn after an orderly end
        _Server(_config(relay), connection).run([listener])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def _config(relay: Relay) -> uvicorn.Config:
    return uvicorn.Config(
        relay,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_FINISH_SECONDS,
    )


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

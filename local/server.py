"""The HTTP server under the gateway: uvicorn, set up to print as little as possible."""

import socket
from collections.abc import Callable

import uvicorn

from local.gateway import Gateway

_FINISH_SECONDS = 3
_KEEP_ALIVE_SECONDS = 75


class Server(uvicorn.Server):
    """uvicorn with ``gateway`` in it; it calls ``ready`` once it serves.

    When it is to stop, requests under way have ``_FINISH_SECONDS`` to be answered.
    """

    def __init__(self, gateway: Gateway, ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            gateway,
            http="h11",
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_FINISH_SECONDS,
        )
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve ``sockets``."""
        await super().startup(sockets)
        self._ready()

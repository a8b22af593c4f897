"""Kept HTTP connections to one endpoint, and nothing between the archive and the socket."""

import select
import socket
import ssl
from dataclasses import dataclass
from http.client import HTTPResponse
from queue import Empty, LifoQueue
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.httpsession import get_cert_path

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

_PORTS = {"http": 80, "https": 443}
_ONE_WRITE = 65536
"""A body up to this size is sent with the head, in one packet if it fits."""


@dataclass(slots=True)
class Answer:
    """The status, headers and body of an HTTP response."""

    status_code: int
    headers: dict[str, str]
    content: bytes


class Connections:
    """Connections to the host of ``url``; several threads may send, each over its own.

    ``connect_timeout`` and ``read_timeout``, which is for each write as well, are in seconds.
    """

    def __init__(self, url: str, *, connect_timeout: float, read_timeout: float) -> None:
        parts = urlsplit(url)
        self._address = str(parts.hostname), parts.port or _PORTS[parts.scheme]
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._idle: LifoQueue[socket.socket] = LifoQueue()
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            self._tls = ssl.create_default_context(cafile=get_cert_path(verify=True))
        self._host = parts.netloc

    def send(self, request: "AWSPreparedRequest", body: bytes | memoryview) -> Answer:
        """Send ``request`` with ``body`` and read the answer; OSError or HTTPException if not.

        A connection that anything went wrong with is not used again.
        """
        head = self._head(request)
        connection = self._connection()
        try:
            if len(body) <= _ONE_WRITE:
                connection.sendall(head + body)
            else:
                connection.sendall(head)
                connection.sendall(body)
            response = HTTPResponse(connection, method=request.method)
            response.begin()
            answer = Answer(response.status, dict(response.headers), response.read())
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._idle.put(connection)
        return answer

    def _head(self, request: "AWSPreparedRequest") -> bytes:
        lines = [f"{request.method} {urlsplit(request.url).path} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        return "\r\n".join((*lines, "\r\n")).encode("ascii")

    def _connection(self) -> socket.socket:
        while True:
            try:
                connection = self._idle.get_nowait()
            except Empty:
                return self._new()
            # Readable though nothing was asked: the other side has closed it.
            if not select.select([connection], [], [], 0)[0]:
                return connection
            connection.close()

    def _new(self) -> socket.socket:
        connection = socket.create_connection(self._address, self._connect_timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_hostname=self._address[0])
        connection.settimeout(self._read_timeout)
        return connection

"""A host on a socket that gives the answers it was told to, and keeps what it was sent."""

import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
HANG_UP = b""

_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


def answer(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


class Host:
    """``answers`` are given in turn, whoever asks; after HANG_UP the connection is closed."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._answers = list(answers)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(ConnectionError):
            while request := self._read(connection):
                self.requests.append(request)
                given = self._answers.pop(0)
                connection.sendall(given)
                if given in (HANG_UP, CLOSING):
                    return

    def _read(self, connection: socket.socket) -> bytes:
        received = b""
        while not self._is_whole(received):
            more = connection.recv(65536)
            if not more:
                return b""
            received += more
            if b"100-continue" in received and received.endswith(b"\r\n\r\n"):
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return received

    def _is_whole(self, received: bytes) -> bool:
        head, end, body = received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        return bool(end) and len(body) >= int(length.group(1) if length else 0)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

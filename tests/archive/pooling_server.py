"""A server on loopback that keeps connections open, and can let those that it has die."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from threading import Event, Lock, Thread

Answer = Callable[[int], bytes]
"""What is sent for a request of the number, from 1."""


class Death(StrEnum):
    """What becomes of a connection while nobody uses it."""

    CLOSED = "closed"
    RESET = "reset when it is written to"
    FORGOTTEN = "never answered again"


class PoolingServer:
    """Answers every request with what ``answer`` says, and closes after those of ``closes``."""

    def __init__(self, answer: Answer, url: str) -> None:
        self.answer = answer
        self.closes: Callable[[int], bool] = lambda _: False
        self.url = url
        self.requests = 0
        self.unanswered = 0
        self.connections = 0
        self.over = Event()
        self._open: list[socket.socket] = []
        self._dead: dict[socket.socket, Death] = {}
        self._lock = Lock()

    def kill(self, death: Death) -> None:
        """Let the connections that are open die; those that are made from now on live."""
        with self._lock:
            self._dead |= dict.fromkeys(self._open, death)
            if death is Death.CLOSED:
                for connection in self._open:
                    connection.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self.connections += 1
                self._open.append(connection)
                Thread(target=self._serve_one, args=(connection,), daemon=True).start()

    def _serve_one(self, connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            while _read(connection):
                with self._lock:
                    death = self._dead.get(connection)
                    self.requests += not death
                    self.unanswered += bool(death)
                    number = self.requests
                if death is Death.FORGOTTEN:
                    self.over.wait(60)
                if death:
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    return
                connection.sendall(self.answer(number))
                if self.closes(number):
                    return


@contextmanager
def serve(answer: Answer) -> Iterator[PoolingServer]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = PoolingServer(answer, f"http://127.0.0.1:{listener.getsockname()[1]}")
    Thread(target=server.serve, args=(listener,), daemon=True).start()
    with closing(listener):
        yield server
        server.over.set()


def _read(connection: socket.socket) -> bool:
    """Read a request; tell whether there was one."""
    received = b""
    while b"\r\n\r\n" not in received:
        block = connection.recv(65536)
        if not block:
            return False
        received += block
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [
        line.split(b":")[1] for line in head.lower().split(b"\r\n") if b"content-length:" in line
    ]
    left = int(lengths[0]) - len(body)
    while left:
        left -= len(connection.recv(left))
    return True

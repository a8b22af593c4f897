"""The fault proxy: on the sockets between the functions and the emulated AWS."""

import socket
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from io import BufferedReader
from random import Random
from threading import Event, Lock, Thread
from urllib.parse import urlsplit

from tests.torture.faults import Close, Fault, Hang, Late, Reset
from tests.torture.messages import Answer, Request, read_request, with_body

_RESET = struct.pack("ii", 1, 0)
_OF_ONE_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Plan:
    """Which calls a ``fault`` happens to: from the ``nth`` of a ``call`` on, or to that ``once``.

    ``hits`` counts those that it has happened to. ``beside`` happens to every call that it fits
    and that the fault does not happen to.
    """

    def __init__(
        self, fault: Fault, call: str, nth: int = 1, *, once: bool, beside: Fault | None = None
    ) -> None:
        self._fault, self._call, self._nth, self._once = fault, call, nth, once
        self._beside = beside
        self._seen = 0
        self.hits = 0
        self._lock = Lock()

    def fault(self, request: Request) -> Fault | None:
        if request.call == self._call:
            with self._lock:
                self._seen += 1
                if self._seen == self._nth or (self._seen > self._nth and not self._once):
                    self.hits += 1
                    return self._fault
        return self._beside if self._beside and self._beside.fits(request.call) else None


class Proxy:
    """Passes requests on to ``backend``, as far as its ``plan`` lets them pass."""

    def __init__(self, backend: str) -> None:
        self._backend = urlsplit(backend)
        # It keeps the port while nobody listens.
        self._reserved = _bound(0)
        self.port: int = self._reserved.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.plan: Plan | None = None
        self.random = Random()
        self._late: list[Request] = []
        self._open: set[socket.socket] = set()
        self._over = Event()
        self._listen()

    def _listen(self) -> None:
        self._listener = _bound(self.port)
        self._listener.listen(128)
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Let nobody listen, and end all connections."""
        self._end()
        try:
            yield
        finally:
            self._listen()

    @contextmanager
    def planned(self, plan: Plan) -> Iterator[Plan]:
        """Follow ``plan``; what hangs at the end is let go."""
        self.plan = plan
        try:
            yield plan
        finally:
            self.plan = None
            self._over.set()
            self._over = Event()

    def deliver(self) -> int:
        """Let the backend have what comes late; return how many requests that were."""
        late, self._late = self._late, []
        for request in late:
            self.pass_on(request)
        return len(late)

    def close(self) -> None:
        self._over.set()
        self._end()
        self._reserved.close()

    def _end(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        with (
            closing(connection),
            suppress(OSError, Close),
            connection.makefile("rb") as stream,
        ):
            try:
                while self._answer_one(connection, stream):
                    pass
            except Reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            except Hang:
                self._over.wait()
        self._open.discard(connection)

    def _answer_one(self, connection: socket.socket, stream: BufferedReader) -> bool:
        if (read := read_request(stream)) is None:
            return False
        request, expects = read
        if expects:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        request = with_body(request, stream)
        plan = self.plan
        fault = plan.fault(request) if plan else None
        if fault is None:
            connection.sendall(bytes(self.pass_on(request)))
            return True
        try:
            for piece in fault.damage(request, self.pass_on, self.random):
                connection.sendall(piece)
        except Late:
            self._late.append(request)
            raise
        return True

    def pass_on(self, request: Request) -> Answer:
        """Return the backend's answer."""
        address = self._backend
        with closing(HTTPConnection(str(address.hostname), address.port)) as connection:
            connection.putrequest(
                request.method, request.target, skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers.items():
                if name not in _OF_ONE_HOP:
                    connection.putheader(name, value)
            connection.putheader("content-length", str(len(request.body)))
            connection.endheaders(request.body)
            answer = connection.getresponse()
            body = answer.read()
            headers = {n: v for n, v in answer.getheaders() if n.lower() not in _OF_ONE_HOP}
            length = answer.headers["content-length"] if request.method == "HEAD" else ""
        return Answer(answer.status, headers, body, length or "")


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


@contextmanager
def in_front_of(backend: str) -> Iterator[Proxy]:
    """Run a proxy in front of ``backend``."""
    proxy = Proxy(backend)
    try:
        yield proxy
    finally:
        proxy.close()

"""S3 behind a server of the tests, which notes what it is asked and may answer in its place."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from io import BytesIO
from socket import IPPROTO_TCP, TCP_NODELAY, socket
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Request:
    """What S3 was sent; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer of S3 that is an error."""

    status: int
    code: str


class Untraced(MotoRequestHandler):  # type: ignore[misc, unused-ignore] # moto has no types
    """Answers without coverage's tracer: what it would trace is moto."""

    def setup(self) -> None:
        sys.settrace(None)  # of the thread, which ends with the connection
        super().setup()


@dataclass
class InterceptedS3:
    """A WSGI application in front of ``backend``; ``answer`` may refuse or delay a request."""

    backend: "WSGIApplication"
    requests: list[Request] = field(default_factory=list)
    answer: Callable[[Request], Refusal | None] = lambda _: None

    def refuse(self, status: int, code: str, *, only: str = "", times: int = 1_000_000) -> None:
        """Refuse to put what has ``only`` in its path, so many ``times``."""
        left = [times]

        def answer(request: Request) -> Refusal | None:
            if request.method != "PUT" or only not in request.path or not left[0]:
                return None
            left[0] -= 1
            return Refusal(status, code)

        self.answer = answer

    def delay(self, seconds: float, *, only: str) -> None:
        """Take ``seconds`` for what has ``only`` in its path."""

        def answer(request: Request) -> None:
            if only in request.path:
                time.sleep(seconds)

        self.answer = answer

    def __call__(self, environ: "WSGIEnvironment", respond: "StartResponse") -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        request = Request(environ["REQUEST_METHOD"], environ["PATH_INFO"], _headers(environ), body)
        self.requests.append(request)
        if refusal := self.answer(request):
            text = f"<Error><Code>{refusal.code}</Code></Error>".encode()
            status = f"{refusal.status} {HTTPStatus(refusal.status).phrase}"
            respond(status, [("Content-Length", str(len(text)))])
            return [text]
        return self.backend({**environ, "wsgi.input": BytesIO(body)}, respond)


def _headers(environ: "WSGIEnvironment") -> dict[str, str]:
    fields = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    return {name: str(value) for name, value in fields.items()}


def elsewhere(endpoint: str) -> "WSGIApplication":
    """Return an application that passes every request on to ``endpoint``."""
    address = urlsplit(endpoint)

    def pass_on(environ: "WSGIEnvironment", respond: "StartResponse") -> Sequence[bytes]:
        target: Any = environ["RAW_URI"]
        with closing(HTTPConnection(str(address.hostname), address.port)) as connection:
            connection.request(
                environ["REQUEST_METHOD"], target, environ["wsgi.input"].read(), _headers(environ)
            )
            answer = connection.getresponse()
            respond(f"{answer.status} {answer.reason}", list(answer.getheaders()))
            return [answer.read()]

    return pass_on


def answer_at_once(listener: socket) -> None:
    """Let no answer's body wait for the acknowledgement of its head, which a client delays."""
    listener.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)


@contextmanager
def serve(application: "WSGIApplication") -> Iterator[str]:
    """Serve ``application`` on loopback; give its URL."""
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Untraced)
    answer_at_once(server.socket)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()

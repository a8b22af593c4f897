"""HTTP requests that are repeated after network faults and when a server asks to wait."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from http import HTTPStatus
from typing import cast
from urllib.parse import urlsplit

import urllib3

from stowport import proxies
from stowport.bodies import Block
from stowport.breaker import Breaker
from stowport.connections import Connections
from stowport.credentials import Authentication
from stowport.faults import in_words, is_final
from stowport.messages import Request, Response, retry_after
from stowport.tls import TLS, Unsuitable

TRIES = 7
FIRST_DELAY = 1.0
TIMEOUT = 300.0
"""Seconds without a byte after which a server hangs."""

_HANGS = 3
"""Tries that hang after which a request is not tried again: each takes the whole timeout."""

_LONGEST_DELAY = 60.0
_CONNECT_SECONDS = 10.0
_BYTES_A_SECOND = 10_000_000
"""A server may also take this time to look at a body before its first byte of an answer."""

_AT_ONCE = 64 * 1024
"""Bytes given to a socket, which have to be sent within the time to connect."""

_MAX_ANSWER = 64 * 1024 * 1024

_chance = random.SystemRandom()


class Unreachable(Exception):
    """No try got an answer from the server."""


class Stopped(Exception):
    """The user has asked to stop."""


class Transport:
    """Sends requests to the server and to the host of its uploads, for all threads.

    ``connections`` are those that are kept. ``timeout`` is how many seconds a server may leave a
    request without a byte. ``tell`` is told what is waited for, and "" when an answer came. No
    request is tried while the ``breaker`` says that the server is down.
    """

    def __init__(
        self,
        credentials: Authentication,
        *,
        connections: int,
        tries: int = TRIES,
        tls: TLS | None = None,
    ) -> None:
        self.stop = threading.Event()
        self.tell: Callable[[str], None] = lambda _: None
        self.timeout = TIMEOUT
        self.connections = connections
        self.breaker = Breaker(trips=False)
        self._credentials = credentials
        self._pools = Connections(connections, tls or TLS())
        self._tries = tries
        self._first_delay = FIRST_DELAY

    def apart(self, tries: int | None = None) -> "Transport":
        """Return a transport with the same credentials and connections, but its own ``stop``.

        It may have another number of tries.
        """
        other = copy(self)
        vars(other)["_tries"] = tries or self._tries
        other.stop = threading.Event()
        return other

    def prepare(self, url: str) -> None:
        """Read what connections to ``url`` need; raises Unsuitable."""
        self._pools.pool(url)

    def authorized(self, request: Request) -> Response:
        """Send ``request`` with credentials; if they are refused, once more with new ones."""
        sent = self._credentials.authorize(request)
        response = self.exchange(sent)
        if response.status == HTTPStatus.UNAUTHORIZED and self._credentials.refused(sent):
            response = self.exchange(self._credentials.authorize(request))
        return response

    def exchange(self, request: Request) -> Response:
        """Send ``request`` until it is answered, for a limited number of tries.

        Returns the last answer if the server still asks to wait. Raises Unreachable if there
        was no answer at all, or the server is down, and Stopped as soon as ``stop`` is set.
        """
        server = _place(request.url)
        started = time.monotonic()
        fault = "no try"
        response = None
        hung = 0
        for number in range(self._tries):
            if number:
                delay = self._delay(number, response)
                self.tell(f"{fault}: try {number + 1} of {self._tries} in {delay:.0f} s")
                self.wait(delay)
            self._check(server)
            try:
                response = self._once(request)
            except urllib3.exceptions.HTTPError as error:
                why = self._pools.explained(error, request.url)
                response, fault = None, in_words(why, request.url)
                hung += isinstance(error, urllib3.exceptions.ReadTimeoutError)
                if is_final(why) or hung == _HANGS:
                    break
                continue
            if response.status not in request.again:
                self._answered(server)
                return response
            fault = f"the server answers {response.status}"
        if request.is_urgent:
            text = f"{server} is down: {fault}, for {time.monotonic() - started:.0f} seconds"
            self.breaker.used_up(server, started, text)
        if response is None:
            raise Unreachable(f"{server} cannot be reached: {fault}")
        return response

    def wait(self, seconds: float) -> None:
        """Wait, or raise Stopped."""
        if self.stop.wait(seconds) if seconds else self.stop.is_set():
            raise Stopped

    def _answered(self, server: str) -> None:
        self.tell("")
        self.breaker.answered(server)

    def _check(self, server: str) -> None:
        if fault := self.breaker.fault_of(server):
            raise Unreachable(fault)

    def _delay(self, number: int, response: Response | None) -> float:
        backoff = min(self._first_delay * 2.0 ** (number - 1), _LONGEST_DELAY)
        asked = retry_after(response) if response else 0.0
        return asked + backoff * _chance.uniform(0.5, 1)

    def _once(self, request: Request) -> Response:
        self.wait(0)
        answer = self._pool(request.url).request(
            request.method,
            request.url,
            body=cast("Iterable[bytes]", self._blocks(request)) if request.size else None,
            headers=_with_length(request),
            redirect=False,
            retries=False,
            timeout=urllib3.Timeout(
                connect=_CONNECT_SECONDS, read=self.timeout + request.size / _BYTES_A_SECOND
            ),
            preload_content=False,
        )
        body = answer.read(_MAX_ANSWER)
        answer.release_conn()
        if answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            raise Unreachable(proxies.refusal(request.url))
        return Response(
            status=answer.status,
            headers={name.lower(): value for name, value in answer.headers.items()},
            body=body,
            warnings=tuple(answer.headers.getlist("warning")),
        )

    def _pool(self, url: str) -> urllib3.PoolManager:
        try:
            return self._pools.pool(url)
        except Unsuitable as error:
            raise Unreachable(str(error)) from error

    def _blocks(self, request: Request) -> Iterator[Block]:
        """Yield the body; a large one is not sent to its end once the user wants to stop."""
        for block in request.blocks():
            view = memoryview(block)
            for start in range(0, len(view), _AT_ONCE):
                self.wait(0)
                yield view[start : start + _AT_ONCE]


def _with_length(request: Request) -> dict[str, str]:
    """Return the header with a length: without one, urllib3 sends chunks, which S3 refuses."""
    length = {"Content-Length": str(request.size)} if request.size else {}
    return {**request.fields(), **length}


def _place(url: str) -> str:
    """Return scheme and host: the query of a presigned URL is a secret until it expires."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")

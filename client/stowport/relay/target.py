"""The server that the relay sends to: whether it can be used, and requests that say so.

While the server is down, nobody waits for it: requests are refused at once, and only a probe asks
it again (circuit breaker). Its first answer ends that.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Self

from stowport.credentials import NoToken
from stowport.messages import Request, Response
from stowport.transport import Stopped, Transport, Unreachable
from stowport.uploads import ACCEPT

PAUSE_SECONDS = 5.0
"""Between two probes of a server that is down, or that owes an answer."""

_REST_SECONDS = 60.0
"""Between two probes of a server that is well, and of which nobody wants anything."""

PROBE = "stowport-relay-probe"
"""The User-Agent by which a server can tell these requests from others."""

_SLICE = 0.25
_DOWN = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)
_REFUSALS = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
)


class Target:
    """What is known of the server at ``base_url``.

    ``down`` says why it is not asked at all, ``unusable`` why it takes nothing from this relay;
    both are empty for a server that is well.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.down = ""
        self.unusable = ""
        self.heard = time.monotonic()
        self._pending = 0
        self._lock = threading.Lock()

    def answered(self) -> None:
        """Note an answer of the server."""
        self.down = ""
        self.heard = time.monotonic()

    @contextmanager
    def owing(self) -> Iterator[None]:
        """Note that the server owes an answer."""
        with self._lock:
            self._pending += 1
        try:
            yield
        finally:
            with self._lock:
                self._pending -= 1

    @property
    def owes(self) -> bool:
        """Whether the server owes an answer."""
        return self._pending > 0

    @property
    def silence(self) -> float:
        """Seconds since its last answer."""
        return time.monotonic() - self.heard


class GuardedTransport(Transport):
    """Sends nothing to a server that is down, and stops to try again when it has gone down."""

    target: Target

    @classmethod
    def around(cls, transport: Transport, target: Target) -> Self:
        """Return a guarded transport with all that ``transport`` has."""
        guarded = cls.__new__(cls)
        vars(guarded).update(vars(transport))
        guarded.target = target
        return guarded

    def exchange(self, request: Request) -> Response:
        """Send as Transport does; raise Unreachable at once while the server is down."""
        if not request.url.startswith(f"{self.target.base_url}/"):
            return super().exchange(request)  # to S3, of which the server's state says nothing
        self._refuse_if_down()
        with self.target.owing():
            try:
                response = super().exchange(request)
            except Unreachable as error:
                self.target.down = self.target.down or str(error)
                raise
        if response.status in _DOWN:
            self.target.down = f"it answers {response.status}"
        else:
            self.target.answered()
        return response

    def wait(self, seconds: float) -> None:
        """Wait as Transport does; raise Unreachable as soon as the server is down."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > _SLICE:
            super().wait(_SLICE)
            self._refuse_if_down()
        super().wait(max(left, 0))

    def _refuse_if_down(self) -> None:
        if self.target.down:
            raise Unreachable(f"the server is down: {self.target.down}")


class Probe:
    """Asks the server now and then, in a thread of its own, and says when its state changes.

    ``connection`` tries a request once more, because a single connection may be cut.
    """

    def __init__(
        self, target: Target, connection: Transport, say: Callable[[str, str], None]
    ) -> None:
        self._target = target
        self._connection = connection
        self._say = say
        self._said: tuple[str, str] | None = None

    def start(self) -> None:
        """Check the server, and go on until the connection is stopped."""
        threading.Thread(target=self._run, name="probe", daemon=True).start()

    def check(self) -> None:
        """Find out whether the server takes requests: it refuses one without an instance.

        OPTIONS would not do, because a server may answer it to everyone.
        """
        response = self._ask("POST", self._connection.authorized)
        if response is None:
            return
        redirect = HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST
        refused = redirect or response.status in _REFUSALS
        words = f"the server answers this relay with {response.status}"
        self._target.unusable = words if refused else ""

    def _run(self) -> None:
        self.check()
        self.tell()
        while not self._connection.stop.wait(PAUSE_SECONDS):
            target = self._target
            patience = PAUSE_SECONDS if target.owes else _REST_SECONDS
            if target.down or target.silence > patience:
                self._ask("OPTIONS", self._connection.exchange)
            if target.unusable and not target.down:
                self.check()
            self.tell()

    def _ask(self, method: str, send: Callable[[Request], Response]) -> Response | None:
        """Send a request without a body; note whether the server answers."""
        headers = {"User-Agent": PROBE, "Accept": ACCEPT}
        if method == "POST":
            headers["Content-Type"] = 'multipart/related; type="application/dicom"; boundary="none"'
        request = Request(method=method, url=f"{self._target.base_url}/studies", headers=headers)
        try:
            response = send(request)
        except Unreachable as error:
            self._target.down = str(error)
        except NoToken as error:
            self._target.unusable = str(error)
        except Stopped:
            pass
        else:
            if response.status < HTTPStatus.BAD_GATEWAY:
                self._target.answered()
                return response
            self._target.down = f"it answers {response.status}"
        return None

    def tell(self) -> None:
        """Say in which state the server is, if it is another than before."""
        state = (self._target.down, self._target.unusable)
        if state != self._said:
            self._said = state
            self._say(*state)

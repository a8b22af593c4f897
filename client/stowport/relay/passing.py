"""Requests that are passed on as they are, and answers that are passed back (PS3.18 8.9, 13).

These are OPTIONS, and requests for storage commitment: what the server says is what the client
gets, with its status, its media type and its body.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from dicomweb.uids import is_uid
from stowport import messages
from stowport.credentials import NoToken
from stowport.relay.messages import Reply, Request, unsupported
from stowport.relay.refusals import ServiceBusy
from stowport.relay.target import Target
from stowport.transport import Stopped, Transport, Unreachable

MAX_BODY = 4_700_000
"""Bytes of a request for storage commitment; they are kept in memory."""

_SENT_ON = ("accept", "content-type")
_NOT_PASSED_BACK = frozenset(
    (
        "connection", "content-encoding", "content-length", "date", "keep-alive", "server",
        "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "warning",
        "www-authenticate",
    )
)  # fmt: skip
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
"""What a server may call a field (RFC 9110 5.1)."""

_COLLECTIONS = ("studies", "commitment-requests")
_OF_THE_RELAY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

Exchange = Callable[[messages.Request], messages.Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassThrough:
    """Passes requests on to ``target``, below its base path."""

    connection: Transport
    target: Target

    def options(self, request: Request) -> Reply:
        """Ask the server what it can do; raises MalformedRequest and ServiceBusy."""
        if not is_passed_on(request):
            raise unsupported(request)
        return self._reply(self.connection.exchange, request, b"")

    def commitment(self, request: Request, body: bytes) -> Reply:
        """Ask the server for storage commitment, or for its outcome (PS3.18 13).

        Raises MalformedRequest and ServiceBusy.
        """
        if not is_passed_on(request) or request.path.count("/") != 1:
            raise unsupported(request)
        return self._reply(self.connection.authorized, request, body)

    def _reply(self, exchange: Exchange, request: Request, body: bytes) -> Reply:
        sent = messages.Request(
            method=request.method,
            url=f"{self.target.base_url}/{request.path}",
            headers=_headers(request),
            size=len(body),
            blocks=lambda: (body,),
        )
        return passed_back(asked(lambda: exchange(sent)))


def asked(send: Callable[[], messages.Response]) -> messages.Response:
    """Return the server's answer to the client's request, which ``send`` sends on.

    Raises ServiceBusy if there is none, or if it is about the relay and not about the request:
    then it is the relay's to mend, and the client may send the request again.
    """
    try:
        answer = send()
    except (Unreachable, Stopped, NoToken) as error:
        raise ServiceBusy(str(error) or "the relay is stopping, send it again later") from error
    redirect = HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST
    failed = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    busy = answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    if answer.status in _OF_THE_RELAY or redirect or (failed and not busy):
        raise ServiceBusy(f"the server answered the relay with {answer.status}")
    return answer


def passed_back(answer: messages.Response) -> Reply:
    """Return the server's answer as that of the relay, without fields of the connection or CORS.

    Its content is no longer encoded.
    """
    fields = [
        (name, value)
        for name, value in answer.headers.items()
        if _FIELD_NAME.fullmatch(name)
        and name not in _NOT_PASSED_BACK
        and not name.startswith("access-control-")
    ]
    warnings = [("Warning", value) for value in answer.warnings]
    return Reply(status=answer.status, headers=[*fields, *warnings], body=answer.body)


def is_passed_on(request: Request) -> bool:
    """Tell whether the path is that of a resource of the service, and of nothing above it."""
    collection, _, uid = request.path.partition("/")
    return request.path in ("", *_COLLECTIONS) or (collection in _COLLECTIONS and is_uid(uid))


def _headers(request: Request) -> dict[str, str]:
    headers = {name: request.headers[name] for name in _SENT_ON if name in request.headers}
    # The query parameter (PS3.18 8.7.8) is not sent on, but what it asks for.
    return {**headers, "accept": request.media_type} if request.accept_parameter else headers

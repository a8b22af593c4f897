"""Requests and responses of the relay, between ASGI and STOW-RS."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote

from dicomweb.answer.response import StoreResponse, warning_values
from dicomweb.envelope import mediatypes
from dicomweb.errors import MalformedRequest

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

RETRY_AFTER_SECONDS = "30"
AGENT = "stowport-relay"
"""Who warns (RFC 7234 5.5)."""


class ClientDisconnect(Exception):
    """The client left before its request was complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The head of a request; field names are in lower case, ``path`` without outer slashes."""

    method: str
    path: str
    headers: Mapping[str, str]
    accept_parameter: str | None

    @property
    def media_type(self) -> str:
        """The media type of the answer."""
        return mediatypes.negotiate(self.headers.get("accept"), self.accept_parameter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the client gets."""

    status: int
    headers: Iterable[tuple[str, str]]
    body: bytes


def read_request(scope: Message) -> Request:
    """Read the head of a request (ASGI HTTP scope)."""
    fields: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    return Request(
        method=scope["method"],
        path=unquote(scope["path"]).strip("/"),
        headers=fields,
        accept_parameter=parse_qs(scope["query_string"].decode("latin-1")).get("accept", [None])[0],
    )


async def chunks(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the body as it comes in; raise ClientDisconnect if it is not complete."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def reply(message: Reply, send: Send) -> None:
    """Send the answer."""
    headers = [*message.headers, ("Content-Length", str(len(message.body)))]
    fields = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": message.status, "headers": fields})
    await send({"type": "http.response.body", "body": message.body})


def dressed(answer: StoreResponse) -> Reply:
    """Return the answer as this server sends it."""
    warnings = warning_values(answer.warnings, AGENT)
    headers = [
        ("Content-Type", answer.media_type),
        *answer.headers.items(),
        *(("Warning", value) for value in warnings),
    ]
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append(("Retry-After", RETRY_AFTER_SECONDS))
    return Reply(status=answer.status, headers=headers, body=answer.body.encode())


def unsupported(request: Request) -> MalformedRequest:
    """Return the refusal of a resource or method that the relay does not support."""
    return MalformedRequest(
        f"found {request.method} for a resource that the relay does not have, expected POST to"
        " /studies or /studies/{StudyInstanceUID}"
    )

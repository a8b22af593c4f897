"""Requests and responses of the relay, between ASGI and STOW-RS."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
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


class ClientTooSlow(MalformedRequest):
    """400: the rest of the body did not come; the connection is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The head of a request; field names are in lower case, ``path`` without outer slashes.

    ``client`` is the address that it came from.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    accept_parameter: str | None = None
    client: str = ""

    @property
    def media_type(self) -> str:
        """The media type of the answer."""
        return mediatypes.negotiate(self.headers.get("accept"), self.accept_parameter)

    @property
    def size(self) -> int | None:
        """The length of the body, None if it comes in chunks."""
        length = self.headers.get("content-length", "")
        return int(length) if length.isdecimal() else None


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
        client=(scope.get("client") or ("",))[0],
    )


async def chunks(receive: Receive, patience: float) -> AsyncIterator[bytes]:
    """Yield the body as it comes in.

    Raises ClientDisconnect if it is not complete, and ClientTooSlow if no byte of it came for
    ``patience`` seconds.
    """
    more = True
    while more:
        try:
            async with asyncio.timeout(patience):
                message = await receive()
        except TimeoutError as error:
            raise ClientTooSlow(
                f"the request has not ended, and no byte of it came for {patience:.0f} seconds"
            ) from error
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def reply(message: Reply, send: Send) -> None:
    """Send the answer; what a server has said cannot begin another field of it."""
    headers = [*message.headers, ("Content-Length", str(len(message.body)))]
    fields = [(name.lower().encode("ascii"), _field_value(value)) for name, value in headers]
    await send({"type": "http.response.start", "status": message.status, "headers": fields})
    await send({"type": "http.response.body", "body": message.body})


def _field_value(text: str) -> bytes:
    """Return ``text`` as the value of a field (RFC 9110 5.5): printable, and of one line."""
    return "".join(each if " " <= each <= "~" else "?" for each in text).strip().encode("ascii")


def closing(message: Reply) -> Reply:
    """Return the answer with the wish to close the connection (RFC 9112 9.6)."""
    return replace(message, headers=[*message.headers, ("Connection", "close")])


def dressed(answer: StoreResponse) -> Reply:
    """Return the answer as this server sends it."""
    warnings = warning_values(answer.warnings, AGENT)
    headers = [
        ("Content-Type", answer.media_type),
        *answer.headers.items(),
        *(("Warning", value) for value in warnings),
    ]
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and not answer.given_up:
        headers.append(("Retry-After", RETRY_AFTER_SECONDS))
    return Reply(status=answer.status, headers=headers, body=answer.body.encode())


def unsupported(request: Request) -> MalformedRequest:
    """Return the refusal of a resource or method that the relay does not support."""
    return MalformedRequest(
        f"found {request.method} for a resource that the relay does not have, expected POST to"
        " /studies or /studies/{StudyInstanceUID}, or POST or GET to"
        " /commitment-requests/{TransactionUID}"
    )

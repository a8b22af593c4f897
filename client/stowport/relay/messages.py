"""Requests and responses of the relay, as ASGI has them and as STOW-RS means them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote

from dicomweb.answer import responsemodule
from dicomweb.envelope import mediatypes
from dicomweb.errors import MalformedRequest
from dicomweb.outcomes import Failed, Outcome, Stored, status_of
from dicomweb.reasons import FailureReason, WarningReason

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

RETRY_AFTER_SECONDS = "30"
_MAX_WARNINGS_BYTES = 4096


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
    """Yield the body as it comes in; raise ClientDisconnect if it does not come whole."""
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


def report(outcomes: list[Outcome], retrieve_base_url: str, media_type: str) -> Reply:
    """Answer with the Store Instances Response Module (PS3.18 10.5.3)."""
    module = responsemodule.store_instances_response(outcomes, retrieve_base_url)
    stored = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    url = responsemodule.study_url(stored, retrieve_base_url)
    headers = [("Location", url)] if url else []
    warnings = [(each.reason, each.text) for each in outcomes if isinstance(each, Failed)]
    warned = [(each.warning, each.text) for each in stored if each.warning]
    return _reply(
        status_of(outcomes),
        responsemodule.encode(module, media_type),
        media_type,
        [*headers, *_warnings([*warnings, *warned])],
    )


def refuse(status: HTTPStatus, reason: FailureReason, text: str, media_type: str) -> Reply:
    """Answer a request of which nothing was sent on with a Status Report (PS3.18 8.6.3)."""
    body = responsemodule.encode(responsemodule.status_report(text), media_type)
    return _reply(status, body, media_type, _warnings([(reason, text)]))


def unsupported(request: Request) -> MalformedRequest:
    """Return what is wrong with a resource or method that the relay does not have."""
    return MalformedRequest(
        f"found {request.method} of a resource that the relay does not have, expected POST to"
        " /studies or /studies/{StudyInstanceUID}"
    )


def _reply(
    status: HTTPStatus, body: str, media_type: str, headers: Iterable[tuple[str, str]]
) -> Reply:
    fields = [("Content-Type", media_type), *headers]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        fields.append(("Retry-After", RETRY_AFTER_SECONDS))
    return Reply(status=status, headers=fields, body=body.encode())


def _warnings(
    texts: Iterable[tuple[FailureReason | WarningReason, str]],
) -> list[tuple[str, str]]:
    """Return one Warning field for each distinct reason, as the service does (RFC 7234 5.5)."""
    fields: dict[int, str] = {}
    room = _MAX_WARNINGS_BYTES
    for reason, text in texts:
        value = f'299 stowport-relay "{reason:04X}: {_quotable(text)}"'
        if reason not in fields and len(value) <= room:
            fields[reason] = value
            room -= len(value)
    return [("Warning", value) for value in fields.values()]


def _quotable(text: str) -> str:
    printable = "".join(each if " " <= each <= "~" else "?" for each in text)
    return printable.replace("\\", "/").replace('"', "'")

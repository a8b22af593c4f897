"""The relay: an ASGI application that is a STOW-RS server (PS3.18 10.5)."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dicomweb.answer import response
from dicomweb.errors import MalformedRequest, RequestRejected
from dicomweb.uids import is_uid
from stowport import messages, transport
from stowport.relay.forwarding import Forwarding
from stowport.relay.hosts import is_answered
from stowport.relay.messages import (
    ClientDisconnect,
    Message,
    Receive,
    Reply,
    Request,
    Send,
    chunks,
    dressed,
    read_request,
    reply,
    unsupported,
)
from stowport.relay.spool import Payload, ServiceBusy, spooled

Log = Callable[[str], None]

_HOP_BY_HOP = frozenset(
    ("connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)
_OF_OPTIONS = frozenset(
    (
        "accept",
        "access-control-request-headers",
        "access-control-request-method",
        "origin",
    )
)

_UNFORESEEN = (
    "the relay could not process the request because of an unforeseen error: send it again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Takes store transactions and sends them on.

    ``names`` are those by which clients may address it (``hosts``). ``log`` gets one line for each
    request.
    """

    forwarding: Forwarding
    connection: transport.Transport
    base_url: str
    spool: Path | None
    names: frozenset[str]
    log: Log

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        started = time.monotonic()
        request = read_request(scope)
        try:
            answer, what = await self._answer(request, receive)
        except ClientDisconnect:
            self.log(f"{request.method} ended before the body was complete, nothing was sent on")
            return
        except Exception as error:  # noqa: BLE001 - else the server answers 500
            refused = isinstance(error, RequestRejected)
            what = "refused" if refused else f"failed with {type(error).__name__}"
            found = response.refusal_of(error, _UNFORESEEN)
            answer = dressed(response.refusal(*found, request.media_type))
        self.log(f"{request.method} {answer.status} {what} in {time.monotonic() - started:.1f} s")
        await reply(answer, send)

    async def _answer(self, request: Request, receive: Receive) -> tuple[Reply, str]:
        if not is_answered(request.headers.get("host"), self.names):
            raise MalformedRequest(
                "found a Host that the relay does not answer to, expected its address, localhost or"
                " a name that it was started with (--host)"
            )
        if request.method == "OPTIONS":
            return await asyncio.to_thread(self._pass_on, request), "passed on"
        if request.method != "POST":
            raise unsupported(request)
        study = _target(request)
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise MalformedRequest("found a Content-Encoding, expected a payload that has none")
        async with spooled(chunks(receive), self.spool) as payload:
            return await asyncio.to_thread(self._store, request, payload, study)

    def _store(self, request: Request, payload: Payload, study: str | None) -> tuple[Reply, str]:
        content_type = request.headers.get("content-type")
        outcomes, base = self.forwarding.forward(content_type, payload, study)
        what = f"{len(outcomes)} parts, {len(payload)} bytes"
        return dressed(response.report(outcomes, request.media_type, base)), what

    def _pass_on(self, request: Request) -> Reply:
        """Ask the server for its capabilities, or whether a page may send (Fetch, CORS)."""
        headers = {name: request.headers[name] for name in _OF_OPTIONS & set(request.headers)}
        url = f"{self.base_url}/{request.path}"
        try:
            answer = self.connection.exchange(
                messages.Request(method="OPTIONS", url=url, headers=headers)
            )
        except (transport.Unreachable, transport.Stopped) as error:
            raise ServiceBusy(str(error) or "the relay is stopping, send it again later") from error
        return Reply(
            status=answer.status,
            headers=[pair for pair in answer.headers.items() if pair[0] not in _HOP_BY_HOP],
            body=answer.body,
        )


def _target(request: Request) -> str | None:
    """Return the study in the URL, None for /studies; raise MalformedRequest for other URLs."""
    if request.path == "studies":
        return None
    study = request.path.removeprefix("studies/")
    if study == request.path or not is_uid(study):
        raise unsupported(request)
    return study

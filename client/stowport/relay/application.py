"""The relay: an ASGI application that is a STOW-RS server (PS3.18 10.5)."""

import asyncio
import time
import traceback
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from dicomweb.answer import response
from dicomweb.errors import MalformedRequest, RequestRejected
from dicomweb.uids import is_uid
from stowport.relay.access import Access
from stowport.relay.entries import Entry
from stowport.relay.forwarding import Forwarding
from stowport.relay.log import Log
from stowport.relay.messages import (
    ClientDisconnect,
    ClientTooSlow,
    Message,
    Receive,
    Reply,
    Request,
    Send,
    chunks,
    closing,
    dressed,
    read_request,
    reply,
    unsupported,
)
from stowport.relay.monitoring import OPEN, Monitoring
from stowport.relay.passing import MAX_BODY, PassThrough
from stowport.relay.places import Places
from stowport.relay.refusals import ServiceBusy, TooLarge, Unauthorized

_UNFORESEEN = (
    "the relay could not process the request because of an unforeseen error: send it again"
)
_RESOURCES = frozenset(("studies", "commitment-requests", "health", "ready", "metrics"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Takes store transactions and sends them on.

    ``passing`` are the places of requests that are passed on as they are. A client that sends
    nothing for ``patience`` seconds within a body is given up. ``log`` gets an entry for each
    request.
    """

    access: Access
    forwarding: Forwarding
    pass_through: PassThrough
    monitoring: Monitoring
    passing: Places
    patience: float
    log: Log

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        started = time.monotonic()
        request = read_request(scope)
        resource = request.path.partition("/")[0]
        entry = Entry(
            client=request.client,
            method=request.method,
            resource=resource if resource in _RESOURCES else "other",
        )
        try:
            answer = await self._answer(request, receive, entry)
        except ClientDisconnect:
            answer = None
            entry.fault = "the client left before the body was complete, nothing was sent on"
        except asyncio.CancelledError:  # the relay ends, and the server would answer 500
            answer = _refusal(ServiceBusy("the relay ends, send it again later"), request)
            entry.fault = "the relay ended before the answer came"
        except Exception as error:  # noqa: BLE001 - else the server answers 500
            answer = _refusal(error, request)
            entry.fault = str(error) if isinstance(error, RequestRejected) else _where(error)
        entry.status = answer.status if answer else 0
        entry.seconds = time.monotonic() - started
        if resource not in OPEN:
            self.log(**entry.fields())
        if answer:
            self.monitoring.metrics.count(entry)
            await reply(answer, send)

    async def _answer(self, request: Request, receive: Receive, entry: Entry) -> Reply:
        self.access.check(request)
        if request.path not in OPEN:
            self.access.check_token(request)
        if request.method == "GET" and (found := self.monitoring.answer(request.path)):
            return found
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise MalformedRequest("found a Content-Encoding, expected a payload that has none")
        if request.path.startswith("commitment-requests/") and request.method in ("GET", "POST"):
            return await self._commitment(request, receive)
        if request.method == "OPTIONS":
            with self.passing.place():
                return await self.passing.run(partial(self.pass_through.options, request))
        if request.method != "POST":
            raise unsupported(request)
        return await self._store(request, receive, entry)

    async def _store(self, request: Request, receive: Receive, entry: Entry) -> Reply:
        study = _target(request)
        self._refuse_if_down()
        monitoring = self.monitoring
        with monitoring.places.place():
            body = chunks(receive, self.patience)
            async with monitoring.spool.body(body, request.size) as payload:
                entry.size = len(payload)
                forward = partial(self.forwarding.forward, request, payload, study, entry)
                return await monitoring.places.run(forward)

    async def _commitment(self, request: Request, receive: Receive) -> Reply:
        self._refuse_if_down()
        with self.passing.place():
            body = bytearray()
            async for chunk in chunks(receive, self.patience):
                body += chunk
                if len(body) > MAX_BODY:
                    raise TooLarge(f"found more than {MAX_BODY} bytes, expected no more than that")
            return await self.passing.run(
                partial(self.pass_through.commitment, request, bytes(body))
            )

    def _refuse_if_down(self) -> None:
        """Raise ServiceBusy before a body comes in that cannot be sent on."""
        down = self.monitoring.target.down
        if down:
            raise ServiceBusy(f"the server is down, send it again later: {down}")


def _where(error: Exception) -> str:
    """Return what an unforeseen error is and where it came up, without what it says."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"unforeseen: {type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"


def _refusal(error: Exception, request: Request) -> Reply:
    found = response.refusal_of(error, _UNFORESEEN)
    answer = response.refusal(*found, request.media_type)
    given_up = isinstance(error, TooLarge)
    refused = dressed(replace(answer, given_up=given_up))
    if isinstance(error, Unauthorized):
        return replace(refused, headers=[*refused.headers, ("WWW-Authenticate", "Bearer")])
    return closing(refused) if isinstance(error, ClientTooSlow) else refused


def _target(request: Request) -> str | None:
    """Return the study in the URL, None for /studies; raise MalformedRequest for other URLs."""
    if request.path == "studies":
        return None
    study = request.path.removeprefix("studies/")
    if study == request.path or not is_uid(study):
        raise unsupported(request)
    return study

"""Large bodies through the service's ``/uploads``: announce a body, put it, get the answer."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from urllib.parse import quote
from xml.sax.saxutils import escape

from dicomweb.reasons import FailureReason
from stowport.answers import read_answer
from stowport.bodies import Block, Body
from stowport.messages import WAIT, Request, Response, retry_after
from stowport.tickets import BadTicket, Target, read_ticket
from stowport.transport import TRIES, Transport, Unreachable

ACCEPT = "application/dicom+json"
_ANSWERS = (HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)
_NOT_ALLOWED = (HTTPStatus.UNAUTHORIZED,)
_POLL_SECONDS = 2.0
_MAX_WAIT = 6 * 3600.0
_SHOWN = 200
_MAYBE_DONE = (HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED)
_AGAIN = WAIT | {HTTPStatus.INTERNAL_SERVER_ERROR}
"""S3 asks for a request again with 500 as well (Error Responses, InternalError)."""

Count = Callable[[int], None]


class NoUploads(Exception):
    """The server has no ``/uploads``, or an incompatible one."""


class UploadRefused(Exception):
    """The body was refused where the server said to put it, or the server gave the upload up."""


class UploadGivenUp(UploadRefused):
    """The server has tried to store the body as often as it does; it will not try again."""


class Uploads:
    """The uploads of the service at ``base_url``."""

    def __init__(self, transport: Transport, base_url: str) -> None:
        self._transport = transport
        self._url = f"{base_url}/uploads"

    def store(self, body: Body, study: str | None, count: Count, accept: str = ACCEPT) -> Response:
        """Upload ``body`` and return the STOW answer to it, or the refusal of the upload.

        ``count`` is told of bytes as they are sent, and takes back those of a failed try.
        ``accept`` is the media type that the answer should have.
        Raises NoUploads, UploadRefused, and what Transport raises.
        """
        response = self._ask(body, study)
        if response.status != HTTPStatus.OK:
            return response
        try:
            ticket = read_ticket(response.body, self._url, body.size)
        except BadTicket as error:
            raise NoUploads(str(error)) from error
        tags = [self._put(target, body, count) for target in ticket.targets]
        if ticket.complete:
            self._complete(*ticket.complete, tags)
        return self._outcome(f"{self._url}/{quote(ticket.name, safe='')}", accept)

    def _ask(self, body: Body, study: str | None) -> Response:
        wanted = {"contentType": body.content_type, "size": body.size}
        if study:
            wanted["studyInstanceUID"] = study
        content = json.dumps(wanted).encode()
        headers = {"Content-Type": "application/json", "Accept": ACCEPT}
        response = self._transport.authorized(
            Request(
                method="POST",
                url=self._url,
                headers=headers,
                size=len(content),
                blocks=lambda: (content,),
            )
        )
        if response.status in _AGAIN and response.status not in _ANSWERS:
            # A gateway's, or that of a function that crashed: the next upload may be taken.
            raise UploadRefused(f"the server answered {response.status} to an upload")
        if response.status not in (*_ANSWERS, *_NOT_ALLOWED):
            raise NoUploads(f"the server has no /uploads (it answered {response.status})")
        return response

    def _put(self, target: Target, body: Body, count: Count) -> str:
        """Put a range of the body; return the ETag of it."""
        response = self._transport.exchange(
            Request(
                method="PUT",
                url=target.url,
                headers=target.headers,
                size=target.size,
                blocks=_counted(lambda: body.blocks(target.offset, target.size), count),
                again=_AGAIN,
            )
        )
        # After a fault of the network the body may well be there: If-None-Match then says so.
        if response.status not in (HTTPStatus.OK, HTTPStatus.PRECONDITION_FAILED):
            raise UploadRefused(_refusal(response))
        return response.headers.get("etag", "")

    def _complete(self, url: str, content_type: str, tags: list[str]) -> None:
        """End an upload in parts.

        S3 may say 200 before it knows, and then put the error into the body. If it no longer knows
        the upload on a second try, the first may have ended it: the service knows.
        """
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(tag)}</ETag></Part>"
            for number, tag in enumerate(tags, start=1)
        )
        content = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        tries = 0

        def blocks() -> tuple[bytes]:
            nonlocal tries
            tries += 1
            return (content,)

        request = Request(
            method="POST",
            url=url,
            headers={"Content-Type": content_type},
            size=len(content),
            blocks=blocks,
            again=_AGAIN,
        )
        for number in range(TRIES):
            self._transport.wait(number * _POLL_SECONDS)
            response = self._transport.exchange(request)
            is_done = response.status == HTTPStatus.OK and b"<Error>" not in response.body
            if response.status != HTTPStatus.OK or is_done:
                break
        if not is_done and (response.status not in _MAYBE_DONE or tries == 1):
            raise UploadRefused(_refusal(response))

    def _outcome(self, location: str, accept: str) -> Response:
        end = time.monotonic() + _MAX_WAIT
        while time.monotonic() < end:
            response = self._transport.authorized(
                Request(method="GET", url=location, headers={"Accept": accept}, is_urgent=False)
            )
            if not _is_pending(response):
                return response
            self._transport.wait(retry_after(response) or _POLL_SECONDS)
        raise Unreachable(f"the upload was not stored within {_MAX_WAIT / 3600:.0f} hours")


def _is_pending(response: Response) -> bool:
    """Tell whether to ask again; raises UploadGivenUp if the server has given the upload up.

    A 503 that names no instance is not the answer to the body: with 0110 it says that the upload
    was given up. Else it says, as a proxy's 502 does, that the upload cannot be looked up for now.
    """
    if response.status not in WAIT:
        return response.media_type == "application/json"
    answer = read_answer(response)
    if answer.items is not None:
        return False
    if any(reason == FailureReason.PROCESSING_FAILURE for reason, _ in answer.texts):
        raise UploadGivenUp(answer.text)
    return True


def _counted(blocks: Callable[[], Iterator[Block]], count: Count) -> Callable[[], Iterator[Block]]:
    sent = 0

    def counted() -> Iterator[Block]:
        nonlocal sent
        count(-sent)
        sent = 0
        for block in blocks():
            yield block
            sent += len(block)
            count(len(block))

    return counted


def without_length(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the fields that were signed, but for the length, which is always sent."""
    return {name: value for name, value in headers.items() if name.lower() != "content-length"}


def _refusal(response: Response) -> str:
    said = response.body.decode("utf-8", "replace").partition("<Message>")[2]
    text = said.partition("</Message>")[0][:_SHOWN]
    return f"the upload was refused with {response.status}" + (f": {text}" if text else "")

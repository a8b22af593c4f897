"""Large bodies through the service's ``/uploads``: announce a body, put it, get the answer."""

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote

from dicomweb.reasons import FailureReason
from stowport.answers import read_answer
from stowport.bodies import Body
from stowport.messages import WAIT, Request, Response, retry_after
from stowport.staging import AGAIN, Count, Staging, UploadRefused
from stowport.tickets import BadTicket, read_ticket
from stowport.transport import Transport, Unreachable

ACCEPT = "application/dicom+json"
_ANSWERS = (HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)
_NOT_ALLOWED = (HTTPStatus.UNAUTHORIZED,)
_FIRST_POLL_SECONDS = 0.25
_POLL_SECONDS = 2.0
"""The pauses between looks at an upload grow from the one to the other, unless Retry-After says."""

_MAX_WAIT = 6 * 3600.0


class NoUploads(Exception):
    """The server has no ``/uploads``, or an incompatible one."""


class UploadGivenUp(UploadRefused):
    """The server has tried to store the body as often as it does; it will not try again."""


class Uploads:
    """The uploads of the service at ``base_url``."""

    def __init__(self, transport: Transport, base_url: str) -> None:
        self._transport = transport
        self._staging = Staging(transport, transport.connections)
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
        self._staging.put(ticket, body, count)
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
        if response.status in AGAIN and response.status not in _ANSWERS:
            # A gateway's, or that of a function that crashed: the next upload may be taken.
            raise UploadRefused(f"the server answered {response.status} to an upload")
        if response.status not in (*_ANSWERS, *_NOT_ALLOWED):
            raise NoUploads(f"the server has no /uploads (it answered {response.status})")
        return response

    def _outcome(self, location: str, accept: str) -> Response:
        end = time.monotonic() + _MAX_WAIT
        pause = _FIRST_POLL_SECONDS
        while time.monotonic() < end:
            response = self._transport.authorized(
                Request(method="GET", url=location, headers={"Accept": accept}, is_urgent=False)
            )
            if not _is_pending(response):
                return response
            self._transport.wait(retry_after(response) or pause)
            pause = min(2 * pause, _POLL_SECONDS)
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


def without_length(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the fields that were signed, but for the length, which is always sent."""
    return {name: value for name, value in headers.items() if name.lower() != "content-length"}

"""Deliver parts to a STOW-RS server and say what became of each (PS3.18 10.5)."""

from collections.abc import Sequence
from http import HTTPStatus

from dicomweb.reasons import FailureReason
from stowport.answers import read_answer
from stowport.bodies import ContentUnreadable, Part, RelatedBody
from stowport.messages import Request, Response
from stowport.packing import LIMIT, fits
from stowport.transport import Transport
from stowport.uploads import ACCEPT, Count, NoUploads, UploadRefused, Uploads
from stowport.verdicts import Verdict, failure, judge

_UNUSABLE = {
    HTTPStatus.UNAUTHORIZED: "the server does not accept the credentials (401)",
    HTTPStatus.FORBIDDEN: "the server does not let these credentials store, or is not at this"
    " URL (403)",
    HTTPStatus.NOT_FOUND: "there is no STOW-RS service at this URL (404)",
    HTTPStatus.METHOD_NOT_ALLOWED: "there is no STOW-RS service at this URL (405)",
}

_ALIKE = (HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.SERVICE_UNAVAILABLE)
"""Answers without a module after which halves would fare no better."""


class Unusable(Exception):
    """The server takes nothing from this sender, whatever is sent."""


def count_nothing(_: int) -> None:
    """Do without progress."""


class Delivery:
    """Sends requests of at most ``limit`` bytes to ``base_url``, the rest through its uploads.

    Safe for threads: there is no state but that the server was found to have no uploads.
    """

    def __init__(self, transport: Transport, base_url: str, limit: int = LIMIT) -> None:
        self.limit = limit
        self._transport = transport
        self._base_url = base_url
        self._uploads = Uploads(transport, base_url)
        self._no_uploads = ""

    def deliver(
        self, parts: Sequence[Part], study: str | None, count: Count = count_nothing
    ) -> list[Verdict]:
        """Send the parts of one request, and return the verdict on each, in order.

        What failed for the moment is sent again for as long as something else gets stored; a
        request that is refused as a whole is sent in halves, until each refusal is one part's.
        Raises Unusable, Unreachable, Stopped and NoToken.
        """
        verdicts = self._once(parts, study, count)
        while True:
            again = [number for number, verdict in enumerate(verdicts) if verdict.temporary]
            if not again or len(again) == len(parts):
                return verdicts
            retried = self._once([parts[number] for number in again], study, count)
            for number, verdict in zip(again, retried, strict=True):
                verdicts[number] = verdict
            if not any(verdict.stored for verdict in retried):
                return verdicts

    def _once(self, parts: Sequence[Part], study: str | None, count: Count) -> list[Verdict]:
        if len(parts) == 1 and not fits(parts[0], self.limit):
            return [self._large(parts[0], study, count)]
        try:
            response = self._post(RelatedBody(parts), study)
        except ContentUnreadable as error:
            refusal = failure(FailureReason.PROCESSING_FAILURE, str(error))
            return self._halves(parts, study, count) or [refusal]
        if response.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and len(parts) == 1:
            return [self._large(parts[0], study, count)]
        answer = read_answer(_usable(response))
        if answer.items is None and response.status not in _ALIKE:
            return self._halves(parts, study, count) or judge(parts, answer)
        return judge(parts, answer)

    def _halves(self, parts: Sequence[Part], study: str | None, count: Count) -> list[Verdict]:
        """Send each half for itself; return nothing for a single part."""
        middle = len(parts) // 2
        halves = (parts[:middle], parts[middle:]) if middle else ()
        return [verdict for half in halves for verdict in self._once(half, study, count)]

    def _post(self, body: RelatedBody, study: str | None) -> Response:
        path = f"studies/{study}" if study else "studies"
        return self._transport.authorized(
            Request(
                method="POST",
                url=f"{self._base_url}/{path}",
                headers={"Content-Type": body.content_type, "Accept": ACCEPT},
                size=body.size,
                blocks=body.blocks,
            )
        )

    def _large(self, part: Part, study: str | None, count: Count) -> Verdict:
        if self._no_uploads:
            return self._too_large(part)
        try:
            response = self._uploads.store(RelatedBody((part,)), study, count)
        except NoUploads as error:
            self._no_uploads = str(error)
            return self._too_large(part)
        except (UploadRefused, ContentUnreadable) as error:
            return failure(FailureReason.PROCESSING_FAILURE, str(error))
        return judge((part,), read_answer(_usable(response)))[0]

    def _too_large(self, part: Part) -> Verdict:
        return failure(
            FailureReason.OUT_OF_RESOURCES,
            f"too large: {part.size} bytes do not fit into a request of {self.limit}, and"
            f" {self._no_uploads}",
        )


def _usable(response: Response) -> Response:
    """Return ``response``; raise Unusable if any other request would get the same."""
    found = next((text for status, text in _UNUSABLE.items() if status == response.status), "")
    if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
        found = f"the server answers with a redirect ({response.status}), expected its own URL"
    if found:
        raise Unusable(found)
    return response

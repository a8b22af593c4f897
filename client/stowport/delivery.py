"""Deliver parts to a STOW-RS server and return the verdict on each (PS3.18 10.5)."""

import time
from collections.abc import Sequence
from http import HTTPStatus

from dicomweb.reasons import FailureReason
from stowport.answers import read_answer
from stowport.bodies import ContentUnreadable, Part, RelatedBody
from stowport.credentials import NoToken
from stowport.messages import Request, Response
from stowport.packing import LIMIT, fits
from stowport.said import said, target_of_redirect
from stowport.staging import Count, UploadRefused
from stowport.transport import Stopped, Transport, Unreachable
from stowport.uploads import ACCEPT, NoUploads, UploadGivenUp, Uploads
from stowport.verdicts import Verdict, failure, judge, judge_alone, unconfirmed

_UNUSABLE = {
    HTTPStatus.UNAUTHORIZED: "the server does not accept the credentials (401)",
    HTTPStatus.FORBIDDEN: "the credentials do not allow storing, or the service is not at this"
    " URL (403)",
    HTTPStatus.NOT_FOUND: "there is no STOW-RS service at this URL (404)",
    HTTPStatus.METHOD_NOT_ALLOWED: "there is no STOW-RS service at this URL (405)",
}

_ALIKE = (HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.SERVICE_UNAVAILABLE)
"""Answers without a module after which sending halves of the request would not help."""


_KNOWN_SECONDS = 300.0
"""How long a server counts as one without uploads: a relay runs for months, and servers change."""


class Unusable(Exception):
    """The server accepts nothing from this sender, whatever is sent."""


NO_ANSWER = (Unusable, Unreachable, NoToken, Stopped)
"""What ends a delivery without an answer from the server about its parts."""


def count_nothing(_: int) -> None:
    """Report no progress."""


class Delivery:
    """Sends requests of at most ``limit`` bytes to ``base_url``, the rest through its uploads.

    Thread-safe: the only state is whether the server was found to have no uploads, and when.
    """

    def __init__(self, transport: Transport, base_url: str, limit: int = LIMIT) -> None:
        self.limit = limit
        self._transport = transport
        self._base_url = base_url
        self._uploads = Uploads(transport, base_url)
        self._no_uploads = ""
        self._found = 0.0

    def deliver(
        self, parts: Sequence[Part], study: str | None, count: Count = count_nothing
    ) -> list[Verdict]:
        """Send the parts of one request, and return the verdict on each, in order.

        No two of them may share a SOP Instance UID, and a part with unknown UIDs comes alone.
        Temporary failures are sent again for as long as each round stores something. A request
        that is refused as a whole is sent in halves, until each refusal belongs to one part. A
        part whose outcome the answer does not give is sent again alone. Raises Unusable,
        Unreachable, Stopped and NoToken if there was no answer about any part; otherwise the
        other parts are not confirmed.
        """
        verdicts = self._once(parts, study, count)
        while True:
            again = [number for number, verdict in enumerate(verdicts) if verdict.temporary]
            if not again or len(again) == len(parts):
                return verdicts
            retried = self._again([[parts[number] for number in again]], study, count)
            for number, verdict in zip(again, retried, strict=True):
                verdicts[number] = verdict
            if not any(verdict.stored for verdict in retried):
                return verdicts

    def _once(self, parts: Sequence[Part], study: str | None, count: Count) -> list[Verdict]:
        if len(parts) == 1:
            return [self._alone(parts[0], study, count)]
        try:
            response = self._post(RelatedBody(parts), study)
        except ContentUnreadable:
            return self._halves(parts, study, count)
        answer = read_answer(_usable(response))
        if answer.items is None and response.status not in _ALIKE:
            return self._halves(parts, study, count)
        judged = judge(parts, answer)
        untold = [part for part, verdict in zip(parts, judged, strict=True) if verdict is None]
        asked = iter(self._again([[part] for part in untold], study, count))
        return [verdict or next(asked) for verdict in judged]

    def _alone(self, part: Part, study: str | None, count: Count) -> Verdict:
        if not fits(part, self.limit):
            return self._large(part, study, count)
        try:
            response = self._post(RelatedBody((part,)), study)
        except ContentUnreadable as error:
            return failure(FailureReason.PROCESSING_FAILURE, str(error))
        if response.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return self._large(part, study, count)
        return judge_alone(part, read_answer(_usable(response)))

    def _halves(self, parts: Sequence[Part], study: str | None, count: Count) -> list[Verdict]:
        middle = len(parts) // 2
        first = self._once(parts[:middle], study, count)
        return first + self._again([parts[middle:]], study, count)

    def _again(
        self, packs: Sequence[Sequence[Part]], study: str | None, count: Count
    ) -> list[Verdict]:
        """Send further requests until one gets no answer; keep the verdicts received so far."""
        verdicts: list[Verdict] = []
        try:
            for packed in packs:
                verdicts += self._once(packed, study, count)
        except NO_ANSWER as error:
            rest = sum(map(len, packs)) - len(verdicts)
            text = str(error) or "the transfer was stopped"
            verdicts += [unconfirmed(text, temporary=True)] * rest
        return verdicts

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
        if self._no_uploads and time.monotonic() - self._found < _KNOWN_SECONDS:
            return self._too_large(part)
        try:
            response = self._uploads.store(RelatedBody((part,)), study, count)
        except NoUploads as error:
            self._no_uploads, self._found = str(error), time.monotonic()
            return self._too_large(part)
        except UploadRefused as error:
            given_up = isinstance(error, UploadGivenUp)
            return failure(FailureReason.PROCESSING_FAILURE, str(error), temporary=not given_up)
        except ContentUnreadable as error:
            return failure(FailureReason.PROCESSING_FAILURE, str(error))
        return judge_alone(part, read_answer(_usable(response)))

    def _too_large(self, part: Part) -> Verdict:
        return failure(
            FailureReason.OUT_OF_RESOURCES,
            f"too large: found {part.size} bytes, expected an instance that fits into a request of"
            f" {self.limit} bytes, because {self._no_uploads}",
        )


def _usable(response: Response) -> Response:
    """Return ``response``; raise Unusable if any other request would get the same."""
    found = next((text for status, text in _UNUSABLE.items() if status == response.status), "")
    if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
        target = target_of_redirect(response) or "an unknown place"
        found = (
            f"found a redirect ({response.status}) to {target}, which is not followed, expected the"
            " URL of the service itself"
        )
    elif found and (words := said(response)):
        found += f": {words}"
    if found:
        raise Unusable(found)
    return response

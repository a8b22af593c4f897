"""From a spooled request to one answer: read the parts, send them on, merge the outcomes."""

import re
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from dicomweb.answer import response
from dicomweb.answer.response import StoreResponse
from dicomweb.conformance import StorageProfile
from dicomweb.envelope.mediatypes import DICOM
from dicomweb.envelope.multipart import BodyPart
from dicomweb.instances import SOPInstance, receive
from dicomweb.outcomes import Failed, Outcome, SOPReference, Stored
from dicomweb.payloads import candidates, read_parts
from dicomweb.reasons import FailureReason, WarningReason
from stowport.bodies import Buffer, Part
from stowport.credentials import NoToken
from stowport.delivery import NO_ANSWER, Delivery, Unusable
from stowport.packing import fits, pack, waves
from stowport.relay.entries import Entry
from stowport.relay.messages import Reply, Request, dressed
from stowport.relay.metadata import WholeBody, WholeRequests
from stowport.relay.spool import Payload
from stowport.relay.target import Target
from stowport.relay.turns import Turns
from stowport.sopinstanceuids import HEAD, sop_instance_uids
from stowport.verdicts import Verdict, unconfirmed

_LARGE = 16_000_000
_LARGE_AT_A_TIME = 2
"""Of large bodies, whose deflated instances are inflated in memory, few are read at a time."""

_HTTP_URL = re.compile(r"https?://[!#-;=?-~]+")
"""What can stand in a header field and in both notations as it is."""


class Forwarding:
    """Sends requests on, whichever clients they belong to, ``parallel`` at a time.

    Half as many large instances go by themselves, so that small ones need not wait for them.
    """

    def __init__(
        self, delivery: Delivery, whole: WholeRequests, target: Target, parallel: int
    ) -> None:
        self._delivery = delivery
        self._whole = whole
        self._target = target
        self._small: Turns[list[Verdict]] = Turns(parallel, "small")
        self._large: Turns[list[Verdict]] = Turns(max(parallel // 2, 1), "large")
        self._reading = threading.Semaphore(_LARGE_AT_A_TIME)

    def forward(self, request: Request, payload: Payload, study: str | None, entry: Entry) -> Reply:
        """Return the one answer to a client's request.

        The framing is read to the end before anything is sent on. Raises MalformedRequest if it
        is broken: then nothing of the request is stored.
        """
        content_type = request.headers.get("content-type", "")
        with self._reading if len(payload) > _LARGE else nullcontext():
            root_type, body_parts = read_parts(content_type, payload)
            received = received_in(body_parts) if root_type == DICOM else []
        if root_type != DICOM:
            body = WholeBody(content_type, payload)
            return self._whole.forward(body, study, request.media_type)
        outcomes, base = self.send(body_parts, received, study)
        entry.count(outcomes)
        return dressed(_answer(response.report(outcomes, request.media_type, base), outcomes))

    def send(
        self,
        body_parts: Sequence[BodyPart],
        received: Sequence[SOPInstance | Failed],
        study: str | None,
    ) -> tuple[list[Outcome], str]:
        """Return the outcome of each part, in order, and the base of their Retrieve URLs.

        ``received`` is what the parts hold, by which the answer can name them.
        """
        verdicts = self._send_all([_part(each) for each in body_parts], study)
        outcomes = [
            _outcome(number, instance, verdict)
            for number, (instance, verdict) in enumerate(
                zip(received, verdicts, strict=True), start=1
            )
        ]
        return outcomes, _retrieve_base_url(outcomes, verdicts)

    def _send_all(self, parts: Sequence[Part], study: str | None) -> list[Verdict]:
        """Return the verdicts in the order of ``parts``, whichever requests they are sent in."""
        verdicts: dict[int, Verdict] = {}
        for wave in waves(parts):
            packs = list(pack(wave, self._delivery.limit))
            small = [each for each in packs if fits(each[0], self._delivery.limit)]
            large = [each for each in packs if not fits(each[0], self._delivery.limit)]
            futures = [
                *self._small.start([partial(self._deliver, each, study) for each in small]),
                *self._large.start([partial(self._deliver, each, study) for each in large]),
            ]
            for packed, future in zip([*small, *large], futures, strict=True):
                verdicts.update(zip(map(id, packed), future.result(), strict=True))
        return [verdicts[id(part)] for part in parts]

    def _deliver(self, parts: Sequence[Part], study: str | None) -> list[Verdict]:
        """Send one request on; if the server cannot be used now, the failure is temporary."""
        try:
            verdicts = self._delivery.deliver(parts, study)
        except NO_ANSWER as error:
            if isinstance(error, Unusable | NoToken):
                self._target.unusable = str(error)
            text = str(error) or "the relay was stopped"
            return [unconfirmed(text, temporary=True)] * len(parts)
        self._target.unusable = ""
        return verdicts


def received_in(body_parts: Sequence[BodyPart]) -> list[SOPInstance | Failed]:
    """Return the instance in each part, or why it cannot be read; the server judges it."""
    return [
        receive(each, study_instance_uid=None, profile=StorageProfile.ANY_STORAGE)
        for each in candidates(DICOM, body_parts, url="", study_instance_uid=None)
    ]


def _answer(report: StoreResponse, outcomes: Sequence[Outcome]) -> StoreResponse:
    """Return the report, with 503 if nothing is stored and something may be, if sent again."""
    nothing = not any(isinstance(each, Stored) for each in outcomes)
    temporary = any(isinstance(each, Failed) and each.temporary for each in outcomes)
    if nothing and temporary:
        return replace(report, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return report


def _part(body_part: BodyPart) -> Part:
    fields = [f"{name}: {value}\r\n" for name, value in body_part.headers.items()]
    return Part(
        content=Buffer(body_part.content),
        head="".join(fields).encode() + b"\r\n",
        sop_instance_uids=sop_instance_uids(body_part.content[:HEAD]),
    )


def _outcome(number: int, instance: SOPInstance | Failed, verdict: Verdict) -> Outcome:
    """Return the outcome of the client's part ``number``, in the words of the server."""
    reference = instance.reference or _fit(verdict.reference)
    if verdict.stored and reference:
        known = instance if isinstance(instance, SOPInstance) else None
        warning, text = _warning(verdict)
        return Stored(
            reference=reference,
            study_instance_uid=known.study_instance_uid if known else "",
            series_instance_uid=known.series_instance_uid if known else "",
            warning=warning,
            text=f"part {number}: {text}" if warning else "",
        )
    reason, text = _failure(verdict)
    return Failed(
        reason=reason,
        text=f"part {number}: {text}",
        reference=reference,
        temporary=verdict.temporary or not verdict.confirmed,
    )


def _failure(verdict: Verdict) -> tuple[FailureReason, str]:
    """Return reason and text; a code that this service does not know is put into the text."""
    if verdict.stored:
        text = "not confirmed: the server's answer says that it is stored, but names no UIDs"
        return FailureReason.PROCESSING_FAILURE, text
    try:
        return FailureReason(verdict.reason or 0), verdict.text
    except ValueError:
        text = f"the server gave failure reason {verdict.reason or 0:04X} {verdict.text}".rstrip()
        return FailureReason.PROCESSING_FAILURE, text


def _warning(verdict: Verdict) -> tuple[WarningReason | None, str]:
    """Return the reason, if any, and the text, as for a failure."""
    if verdict.reason is None:
        return None, ""
    try:
        return WarningReason(verdict.reason), verdict.text
    except ValueError:
        text = f"the server gave warning reason {verdict.reason:04X} {verdict.text}".rstrip()
        return WarningReason.COERCION_OF_DATA_ELEMENTS, text


def _fit(reference: SOPReference | None) -> SOPReference | None:
    """Return what the server names an instance by, if the relay can name it so as well."""
    return reference and SOPReference.of(reference.sop_class_uid, reference.sop_instance_uid)


def _retrieve_base_url(outcomes: Sequence[Outcome], verdicts: Sequence[Verdict]) -> str:
    """Return what all Retrieve URLs have in common before ``/studies``, empty if nothing."""
    bases = set()
    for outcome, verdict in zip(outcomes, verdicts, strict=True):
        if isinstance(outcome, Stored):
            path = (
                f"/studies/{outcome.study_instance_uid}/series/{outcome.series_instance_uid}"
                f"/instances/{outcome.reference.sop_instance_uid}"
            )
            url = verdict.retrieve_url
            bases.add(url.removesuffix(path) if url.endswith(path) else "")
    base = bases.pop() if len(bases) == 1 else ""
    return base if _HTTP_URL.fullmatch(base) else ""

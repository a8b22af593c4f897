"""From a spooled request to one answer: read the parts, send them on, merge the outcomes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from dicomweb.conformance import StorageProfile
from dicomweb.envelope.mediatypes import DICOM
from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import MalformedRequest
from dicomweb.instances import SOPInstance, receive
from dicomweb.outcomes import Failed, Outcome, Stored
from dicomweb.payloads import candidates, read_parts
from dicomweb.reasons import FailureReason, WarningReason
from stowport.bodies import Buffer, Part
from stowport.delivery import NO_ANSWER, Delivery
from stowport.packing import pack, waves
from stowport.relay.spool import Payload
from stowport.sopinstanceuids import HEAD, sop_instance_uids
from stowport.verdicts import Verdict, unconfirmed


class Forwarding:
    """Sends parts on, several at a time, whichever requests they belong to."""

    def __init__(self, delivery: Delivery, parallel: int) -> None:
        self._delivery = delivery
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="forward")

    def forward(
        self, content_type: str | None, payload: Payload, study: str | None
    ) -> tuple[list[Outcome], str]:
        """Return the outcome of each part, in order, and the base of their Retrieve URLs.

        The framing is read to the end before anything is sent on. Raises MalformedRequest if it
        is broken: then nothing of the request is stored.
        """
        root_type, body_parts = read_parts(content_type, payload)
        if root_type != DICOM:
            raise MalformedRequest(
                "found metadata and bulk data, which the relay does not pass on, expected Part 10"
                " files: send this request to the service itself"
            )
        received = [
            receive(each, study_instance_uid=None, profile=StorageProfile.ANY_STORAGE)
            for each in candidates(root_type, body_parts, url="", study_instance_uid=None)
        ]
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
            for packed, answered in zip(
                packs,
                self._pool.map(lambda packed: self._deliver(packed, study), packs),
                strict=True,
            ):
                verdicts.update(zip(map(id, packed), answered, strict=True))
        return [verdicts[id(part)] for part in parts]

    def _deliver(self, parts: Sequence[Part], study: str | None) -> list[Verdict]:
        """Send one request on; if the server cannot be used now, the failure is temporary."""
        try:
            return self._delivery.deliver(parts, study)
        except NO_ANSWER as error:
            text = str(error) or "the relay was stopped"
            return [unconfirmed(text, temporary=True)] * len(parts)


def _part(body_part: BodyPart) -> Part:
    fields = [f"{name}: {value}\r\n" for name, value in body_part.headers.items()]
    return Part(
        content=Buffer(body_part.content),
        head="".join(fields).encode() + b"\r\n",
        sop_instance_uids=sop_instance_uids(body_part.content[:HEAD]),
    )


def _outcome(number: int, instance: SOPInstance | Failed, verdict: Verdict) -> Outcome:
    """Return the outcome of the client's part ``number``, in the words of the server."""
    reference = verdict.reference or instance.reference
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
        temporary=verdict.temporary,
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
    return bases.pop() if len(bases) == 1 else ""

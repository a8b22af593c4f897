"""The way of a request's instances into the archive: they are read, checked and kept."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from archive.entries import Kept
from archive.errors import ArchiveError
from dicomweb.candidates import Candidate
from dicomweb.conformance import StorageProfile
from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import OutOfTime
from dicomweb.instances import SOPInstance, receive
from dicomweb.outcomes import Failed, Outcome, Stored
from dicomweb.part10.file import PreamblePolicy
from dicomweb.part10.inflation import Inflation
from dicomweb.payloads import candidates
from dicomweb.reasons import FailureReason
from dicomweb.timelimit import TimeLimit
from transaction.journal import log_unforeseen, record_differing_patients


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The outcome of each instance, in order, and what was noticed of all of them.

    ``attributes_left_out`` counts, by keyword, the attributes that could not be read and so are
    not in the index.
    """

    outcomes: Sequence[Outcome]
    attributes_left_out: Counter[str] = field(default_factory=Counter)


Keep = Callable[[Sequence[SOPInstance]], Sequence[Kept | ArchiveError]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """How the instances of one request are stored.

    ``keep`` puts instances, at least one, into the archive. ``seconds_left`` tells how much time
    the request has left. ``study_instance_uid`` is the study of the target resource, if it is a
    study, and ``url`` the target, to which locations of bulk data may be relative. ``origin``
    identifies the request in the log.
    """

    keep: Keep
    seconds_left: Callable[[], float]
    profile: StorageProfile
    preamble_policy: PreamblePolicy
    study_instance_uid: str | None
    url: str
    origin: Mapping[str, object] = field(default_factory=dict)

    def store(self, root_type: str, parts: Sequence[BodyPart]) -> Receipt:
        """Return the outcome of each instance in ``parts``, whose root has the type ``root_type``.

        Raises MalformedRequest, before anything is stored, if the request has no metadata that can
        be read, or too much.
        """
        offered = candidates(
            root_type,
            parts,
            url=self.url,
            study_instance_uid=self.study_instance_uid,
            time_limit=TimeLimit(self.seconds_left),
        )
        inflation = Inflation(sum(len(part.content) for part in parts))
        received = [
            self._receive(one, inflation) if self.seconds_left() > 0 else _out_of_time(one)
            for one in offered
        ]
        instances = [each for each in received if isinstance(each, SOPInstance)]
        kept = self._keep(instances) if instances else ()
        results = iter(kept)
        outcomes: list[Outcome] = [
            _outcome_of(one, each, results) if isinstance(each, SOPInstance) else each
            for one, each in zip(offered, received, strict=True)
        ]
        left_out = Counter(keyword for each in instances for keyword in each.attributes.left_out)
        return Receipt(outcomes=outcomes, attributes_left_out=left_out)

    def _keep(self, instances: Sequence[SOPInstance]) -> Sequence[Kept | ArchiveError]:
        """Have the archive keep instances; log unforeseen errors, and count differing patients."""
        kept = self.keep(instances)
        refusals = [each for each in kept if isinstance(each, ArchiveError)]
        # Several instances may have failed because of one error, such as a failed common write.
        for error in dict.fromkeys(refusal.unforeseen for refusal in refusals):
            if error:
                log_unforeseen(error, **self.origin)
        differing = sum(isinstance(each, Kept) and each.patient_differs for each in kept)
        if differing:
            record_differing_patients(differing, **self.origin)
        return kept

    def _receive(self, candidate: Candidate, inflation: Inflation) -> SOPInstance | Failed:
        """Read one instance; an unforeseen error fails only this instance."""
        try:
            return receive(
                candidate,
                study_instance_uid=self.study_instance_uid,
                profile=self.profile,
                preamble_policy=self.preamble_policy,
                inflation=inflation,
            )
        except Exception as error:  # noqa: BLE001 - one bad instance never fails the others
            log_unforeseen(error, **self.origin)
            text = f"{candidate.place}: could not be processed because of an unforeseen error"
            reason = FailureReason.PROCESSING_FAILURE
            return Failed(reason=reason, text=text, reference=candidate.reference)


def _out_of_time(candidate: Candidate) -> Failed:
    """Refuse an instance that there is no time to read; many deflated ones can take long."""
    return Failed(
        reason=FailureReason.OUT_OF_RESOURCES,
        text=f"{candidate.place}: {OutOfTime()}",
        reference=candidate.reference,
        temporary=True,
    )


def _outcome_of(
    candidate: Candidate, instance: SOPInstance, kept: Iterator[Kept | ArchiveError]
) -> Outcome:
    """Return the outcome of an instance that the archive was asked to keep."""
    result = next(kept)
    if isinstance(result, Kept):
        return Stored(
            reference=instance.reference,
            study_instance_uid=instance.study_instance_uid,
            series_instance_uid=instance.series_instance_uid,
            warning=instance.warning,
            text=instance.text,
        )
    return Failed(
        reason=result.reason,
        text=f"{candidate.place}: {result}",
        reference=instance.reference,
        temporary=result.temporary,
        final=result.final,
    )

"""The way of a request's body parts into the archive: read, checked, kept, and what came of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from archive import ArchiveError
from dicomweb.conformance import StorageProfile
from dicomweb.instances import SOPInstance, receive
from dicomweb.multipart import BodyPart
from dicomweb.outcomes import Failed, Outcome, Stored
from dicomweb.reasons import FailureReason
from transaction.journal import count, log_unforeseen

Keep = Callable[[Sequence[SOPInstance]], Sequence[ArchiveError | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """How the parts of one request are stored.

    ``keep`` puts instances, at least one, into the archive. ``seconds_left`` tells how much of
    the time for the request is left. ``study_instance_uid`` is the study
    of the target resource, if it is one. ``origin`` names the request in the log.
    """

    keep: Keep
    seconds_left: Callable[[], float]
    profile: StorageProfile
    study_instance_uid: str | None
    origin: Mapping[str, object] = field(default_factory=dict)

    def store(self, root_type: str, parts: Sequence[BodyPart]) -> list[Outcome]:
        """Return what became of each of ``parts``, whose root is of ``root_type``, in order."""
        received = [
            self._receive(part, root_type) if self.seconds_left() > 0 else _out_of_time(part)
            for part in parts
        ]
        instances = [each for each in received if isinstance(each, SOPInstance)]
        kept = iter(self.keep(instances) if instances else ())
        count(IndexAttributesLeftOut=sum(each.attributes.left_out for each in instances))
        return [
            _outcome_of(part, each, kept) if isinstance(each, SOPInstance) else each
            for part, each in zip(parts, received, strict=True)
        ]

    def _receive(self, part: BodyPart, root_type: str) -> SOPInstance | Failed:
        """Read one part; what nobody foresaw fails this part and none of its neighbours."""
        try:
            return receive(
                part,
                root_type=root_type,
                study_instance_uid=self.study_instance_uid,
                profile=self.profile,
            )
        except Exception as error:  # noqa: BLE001 - one bad part never fails the others
            log_unforeseen(error, **self.origin)
            text = f"part {part.number}: could not be processed"
            return Failed(reason=FailureReason.PROCESSING_FAILURE, text=text)


def _out_of_time(part: BodyPart) -> Failed:
    """Refuse a part that there is no time to read; reading many deflated ones can take long."""
    return Failed(
        reason=FailureReason.OUT_OF_RESOURCES,
        text=f"part {part.number}: the time of the request ended before it was read",
        temporary=True,
    )


def _outcome_of(
    part: BodyPart, instance: SOPInstance, kept: Iterator[ArchiveError | None]
) -> Outcome:
    """Say what became of an instance that the archive was asked to keep."""
    refusal = next(kept)
    if refusal is None:
        return Stored(
            reference=instance.reference,
            study_instance_uid=instance.study_instance_uid,
            series_instance_uid=instance.series_instance_uid,
        )
    return Failed(
        reason=refusal.reason,
        text=f"part {part.number}: {refusal}",
        reference=instance.reference,
        temporary=refusal.temporary,
    )

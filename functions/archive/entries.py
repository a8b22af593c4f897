"""What a request stores: its instances, and the items that each of them needs in the index."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from archive.copies import Source
from archive.deadline import Deadline
from archive.index import Index
from archive.items import (
    Item,
    ItemKey,
    instance_key,
    series_attributes,
    series_key,
    study_attributes,
    study_key,
)
from archive.shared import SharedItem
from dicomweb.instances import SOPInstance


class DuplicatePolicy(StrEnum):
    """What happens to different bytes under the UIDs of a stored instance."""

    REJECT = "reject"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Kept:
    """The instance is durable; ``patient_differs`` if its patient is not that of its study."""

    patient_differs: bool = False


@dataclass(slots=True)
class Identity:
    """An instance's UIDs, and the item that is stored under them, empty if there is none."""

    key: ItemKey
    stored: Item

    @property
    def sha256(self) -> str | None:
        """The digest (hex) of the bytes that are stored."""
        return self.stored["SHA256"]["S"] if self.stored else None


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """An instance of the request: its digest (hex), the items it needs, its place in S3 if any.

    ``outcome`` is done when the instance is durable or known not to be.
    """

    instance: SOPInstance
    sha256: str
    identity: Identity
    study: SharedItem
    series: SharedItem
    source: Source | None
    outcome: Future[Kept]

    def is_new(self, policy: DuplicatePolicy) -> bool:
        """Tell whether the bytes have to be stored under the UIDs."""
        stored = self.identity.sha256
        return stored is None or (policy is DuplicatePolicy.REPLACE and stored != self.sha256)

    def expect_shared(self) -> None:
        """Add what the instance says about its study and its series to what they lack."""
        self.study.expect(study_attributes(self.instance))
        self.series.expect(series_attributes(self.instance))

    def kept(self) -> None:
        """Set the outcome: the instance, its study and its series are in the index."""
        differs = self.study.has_other_patients and self.study.has_another_patient(
            study_attributes(self.instance)
        )
        self.outcome.set_result(Kept(differs))


def read(
    index: Index,
    instances: Sequence[SOPInstance],
    sources: Sequence[Source | None],
    outcomes: Sequence[Future[Kept]],
    deadline: Deadline,
) -> list[Entry]:
    """Return an entry for each of ``instances``, with its items in the ``index``.

    Raises ArchiveError and botocore's errors.
    """
    levels = (study_key, series_key, instance_key)
    keys = list(dict.fromkeys(key(instance) for key in levels for instance in instances))
    stored = index.read(keys, deadline)
    shared = {key: SharedItem(key, stored.get(key, {})) for key in keys}
    identities = {key: Identity(key, stored.get(key, {})) for key in keys}
    return [
        Entry(
            instance,
            hashlib.sha256(instance.content).hexdigest(),
            identities[instance_key(instance)],
            shared[study_key(instance)],
            shared[series_key(instance)],
            source,
            outcome,
        )
        for instance, source, outcome in zip(instances, sources, outcomes, strict=True)
    ]


def by_study(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return ``entries`` in their order, those of each study by themselves."""
    studies: dict[str, list[Entry]] = {}
    for entry in entries:
        studies.setdefault(entry.instance.study_instance_uid, []).append(entry)
    return list(studies.values())


def fail(outcomes: Sequence[Future[Kept]], error: BaseException) -> None:
    """Let those of ``outcomes`` that are not known yet be ``error``."""
    for outcome in outcomes:
        with suppress(InvalidStateError):
            outcome.set_exception(error)


def turns(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Yield ``entries`` in turns: those with the same UIDs one after the other, in their order."""
    waiting = list(entries)
    while waiting:
        turn: dict[ItemKey, Entry] = {}
        for entry in waiting:
            turn.setdefault(entry.identity.key, entry)
        yield list(turn.values())
        waiting = [entry for entry in waiting if turn[entry.identity.key] is not entry]

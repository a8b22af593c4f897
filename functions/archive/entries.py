"""What a request stores: its instances, and the items that each of them needs in the index."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

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


class Offered(NamedTuple):
    """An instance that is to be kept, where its bytes are in S3 if they are, and its outcome."""

    instance: SOPInstance
    source: Source | None
    outcome: Future[Kept]


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
    index: Index, offered: Sequence[Offered], deadline: Deadline, pool: ThreadPoolExecutor
) -> list[Entry]:
    """Return an entry for each instance that is ``offered``, with its items in the ``index``.

    A thread of ``pool`` computes the digests while the index is read. Raises ArchiveError and
    botocore's errors.
    """
    hashing = pool.submit(_digests, offered)
    levels = (study_key, series_key, instance_key)
    keys = list(dict.fromkeys(key(each.instance) for key in levels for each in offered))
    stored = index.read(keys, deadline)
    shared = {key: SharedItem(key, stored.get(key, {})) for key in keys}
    identities = {key: Identity(key, stored.get(key, {})) for key in keys}
    return [
        Entry(
            each.instance,
            sha256,
            identities[instance_key(each.instance)],
            shared[study_key(each.instance)],
            shared[series_key(each.instance)],
            each.source,
            each.outcome,
        )
        for each, sha256 in zip(offered, hashing.result(), strict=True)
    ]


def _digests(offered: Sequence[Offered]) -> list[str]:
    return [hashlib.sha256(each.instance.content).hexdigest() for each in offered]


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

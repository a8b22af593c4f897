"""One request's instances on their way into the archive."""

import hashlib
from concurrent.futures import wait
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from archive.errors import duplicate
from archive.items import (
    instance_attributes,
    instance_key,
    series_attributes,
    series_key,
    study_attributes,
    study_key,
)
from archive.objects import object_key
from archive.shared import SharedItem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from archive.copies import Source
    from archive.deadline import Deadline
    from archive.index import Index
    from archive.items import Item, ItemKey
    from archive.objects import Objects
    from dicomweb.instances import SOPInstance


class DuplicatePolicy(StrEnum):
    """What becomes of other bytes under the UIDs of a stored instance."""

    REJECT = "reject"
    REPLACE = "replace"


@dataclass(slots=True)
class Identity:
    """An instance's UIDs, and the digest (hex) of the bytes that are stored under them."""

    key: "ItemKey"
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """An instance of the request, its digest (hex), the items it needs, where in S3 it is."""

    instance: "SOPInstance"
    sha256: str
    identity: Identity
    study: SharedItem
    series: SharedItem
    source: "Source | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """How a request's instances are stored until ``deadline``.

    All raise ArchiveError and botocore's errors.
    """

    objects: "Objects"
    index: "Index"
    duplicate_policy: DuplicatePolicy
    deadline: "Deadline"

    def read(
        self, instances: "Sequence[SOPInstance]", sources: "Sequence[Source | None]"
    ) -> list[Entry]:
        """Return an entry for each of ``instances``, with what the index has of it."""
        levels = (study_key, series_key, instance_key)
        keys = list(dict.fromkeys(key(instance) for key in levels for instance in instances))
        stored = self.index.read(keys, self.deadline)
        shared = {key: SharedItem(key, stored.get(key, {})) for key in keys}
        identities = {key: Identity(key, _sha256(stored.get(key, {}))) for key in keys}
        entries = [
            Entry(
                instance,
                hashlib.sha256(instance.content).hexdigest(),
                identities[instance_key(instance)],
                shared[study_key(instance)],
                shared[series_key(instance)],
                source,
            )
            for instance, source in zip(instances, sources, strict=True)
        ]
        for entry in filter(self._is_new, entries):
            entry.study.expect(study_attributes(entry.instance))
            entry.series.expect(series_attributes(entry.instance))
        return entries

    def store(self, entry: Entry, before: "Future[None] | None") -> None:
        """Return when ``entry`` is durable, in its turn after ``before``, of the same UIDs."""
        if before:
            wait([before], self.deadline.seconds_left)
        self.deadline.check()
        if entry.identity.sha256 == entry.sha256:
            return
        if not self._is_new(entry):
            raise duplicate()
        self.objects.put(entry.instance, entry.sha256, self.deadline, entry.source)
        for shared in (entry.study, entry.series):
            self.deadline.check()
            shared.write_once(self.index)
        self._commit(entry)

    def _is_new(self, entry: Entry) -> bool:
        stored = entry.identity.sha256
        replaces = self.duplicate_policy is DuplicatePolicy.REPLACE
        return stored is None or (replaces and stored != entry.sha256)

    def _commit(self, entry: Entry) -> None:
        identity = entry.identity
        item = self._item(entry)
        while identity.sha256 != entry.sha256:
            if not self._is_new(entry):
                raise duplicate()
            self.deadline.check()
            over = identity.sha256 or entry.sha256
            identity.sha256 = self.index.commit(identity.key, item, over=over) or entry.sha256

    def _item(self, entry: Entry) -> "Item":
        return {
            **instance_attributes(entry.instance),
            "Bucket": {"S": self.objects.bucket},
            "Key": {"S": object_key(entry.instance, entry.sha256)},
            "SHA256": {"S": entry.sha256},
            "Stored": {"S": datetime.now(UTC).isoformat(timespec="milliseconds")},
        }


def _sha256(item: "Item") -> str | None:
    return item["SHA256"]["S"] if "SHA256" in item else None

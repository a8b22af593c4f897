"""Make the items of a study again from its objects, by the code that stores a request.

What the bytes say decides, as when they were sent. Only which of several objects of an instance
is the current one, and which came first, is known from the times of the objects.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from archive.archive import Archive
from archive.copies import Source
from archive.entries import DuplicatePolicy, Kept
from archive.errors import ArchiveError
from archive.items import Provenance
from archive.staging import StagedBody, Staging
from archive.stored import StoredObject
from dicomweb.conformance import StorageProfile
from dicomweb.envelope.mediatypes import DICOM
from dicomweb.envelope.multipart import BodyPart
from dicomweb.instances import SOPInstance
from dicomweb.outcomes import Failed
from dicomweb.part10.file import PreamblePolicy
from transaction.intake import Intake

MOST_OBJECTS = 100
MOST_BYTES = 1024**3
"""What is on the disk at the same time, unless a single object is larger."""

ATTEMPTS = 5
_READERS = 8
_SECONDS = 120.0


class Interrupted(Exception):
    """S3 or DynamoDB did not answer in several attempts; the rest can be done later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remade:
    """What was made of the objects of a study.

    ``kept`` instances have their items; ``others`` are objects of instances that have several, and
    not the current ones; ``refused`` says by key why an object has no item.
    """

    kept: int
    others: int
    refused: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Studies:
    """How the items of studies are made: with the ``archive``, from objects that are read.

    With ``replace`` the newest object of an instance is the current one, otherwise the oldest. Who
    sent an instance is not in its bytes, so the items have the ``provenance`` of the run.
    """

    archive: Archive
    reader: Staging
    duplicate_policy: DuplicatePolicy
    provenance: Provenance

    def remake(self, objects: Sequence[StoredObject]) -> Remade:
        """Write the items that the ``objects`` of a study lack; raises Interrupted."""
        chosen = sorted(self._current(objects), key=lambda each: each.stored)
        refused: dict[str, str] = {}
        for batch in batches(chosen):
            refused |= self._remake_batch(batch)
        return Remade(
            kept=len(chosen) - len(refused), others=len(objects) - len(chosen), refused=refused
        )

    def _current(self, objects: Sequence[StoredObject]) -> Iterator[StoredObject]:
        """Yield the current object of each instance."""
        choose = max if self.duplicate_policy is DuplicatePolicy.REPLACE else min
        for _, same in groupby(objects, lambda each: each.instance):
            yield choose(same, key=lambda each: each.stored)

    def _remake_batch(self, objects: Sequence[StoredObject]) -> dict[str, str]:
        """Return why objects were refused, by key; raises Interrupted."""
        parts = self._read(objects)
        for attempt in range(ATTEMPTS):
            time.sleep(attempt)
            outcomes = self._intake(objects).store(DICOM, parts).outcomes
            self.archive.wait()  # for threads that still hold bytes
            failed = {
                one.key: outcome
                for one, outcome in zip(objects, outcomes, strict=True)
                if isinstance(outcome, Failed)
            }
            if not any(each.temporary for each in failed.values()):
                return {key: each.text for key, each in failed.items()}
        raise Interrupted

    def _read(self, objects: Sequence[StoredObject]) -> list[BodyPart]:
        """Return each object as the part of a request, mapped from a file.

        There is no payload in which a part would begin somewhere, so its offset says which of
        ``objects`` it is. An instance has it as well (``_keep``).
        """
        with ThreadPoolExecutor(_READERS, thread_name_prefix="rebuild") as pool:
            contents = list(pool.map(self._content, objects))
        return [
            BodyPart(number=number, headers={}, content=content, offset=number)
            for number, content in enumerate(contents)
        ]

    def _content(self, one: StoredObject) -> memoryview:
        return memoryview(self.reader.mapped(StagedBody(key=one.key, size=one.size, etag=one.etag)))

    def _intake(self, objects: Sequence[StoredObject]) -> Intake:
        """Return how ``objects`` are taken in. Whatever is there was accepted once."""
        end = time.monotonic() + _SECONDS
        return Intake(
            keep=partial(self._keep, objects),
            seconds_left=lambda: end - time.monotonic(),
            profile=StorageProfile.ANY_STORAGE,
            preamble_policy=PreamblePolicy.KEEP,
            study_instance_uid=None,
            url="",
        )

    def _keep(
        self, objects: Sequence[StoredObject], instances: Sequence[SOPInstance]
    ) -> list[Kept | ArchiveError]:
        found = [objects[instance.offset or 0] for instance in instances]
        sources = [Source(key=each.key, etag=each.etag, offset=0) for each in found]
        return self.archive.keep(
            instances, seconds=_SECONDS, provenance=self.provenance, sources=sources
        )


def batches(objects: Sequence[StoredObject]) -> Iterator[list[StoredObject]]:
    """Yield ``objects`` in their order, as many together as are read at the same time."""
    batch: list[StoredObject] = []
    for one in objects:
        together = sum(each.size for each in batch) + one.size
        if batch and (len(batch) == MOST_OBJECTS or together > MOST_BYTES):
            yield batch
            batch = []
        batch.append(one)
    yield batch

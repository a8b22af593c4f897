"""Whether instances are kept: their items are in the index, and their objects in the bucket.

An item is read consistently and its object is looked at after that, so that nothing is called kept
that is not there. What the index by SOP Instance UID does not find at once is asked for again,
because that index follows the table.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from boto3.session import Session

from archive.clients import CONNECTIONS
from archive.deadline import Deadline
from archive.errors import ArchiveError, archive_error, out_of_time
from archive.heads import Heads
from archive.index import Index
from archive.items import Item, ItemKey
from archive.sopinstances import SOPInstances
from dicomweb.commitment.outcomes import CommitmentOutcome, judge
from dicomweb.commitment.requestmodule import Reference
from dicomweb.conformance import StorageProfile

SECONDS_UNTIL_ASKED_AGAIN = (0.5, 1.0, 2.0)
"""The pauses before the index by SOP Instance UID is asked again for what it did not find."""

_KEYS_A_READ = 100

_Given = TypeVar("_Given")
_Result = TypeVar("_Result")
_Found = Sequence[Item] | ArchiveError


class Safekeeping:
    """The bucket and the index of a deployment, which are only looked at."""

    def __init__(self, *, bucket: str, table: str, profile: StorageProfile) -> None:
        session = Session()
        self._index = Index(table, session)
        self._sop_instances = SOPInstances(table, session)
        self._heads = Heads(bucket, session)
        self._profile = profile

    def check(
        self, references: Sequence[Reference], *, seconds: float
    ) -> list[CommitmentOutcome | ArchiveError]:
        """Return the outcome of each of ``references`` within ``seconds``, in their order.

        ArchiveError means that it could not be found out. Nothing else is raised.
        """
        pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="safekeeping")
        try:
            return _Check(
                pool, Deadline(seconds), self._index, self._sop_instances, self._heads
            ).outcomes(references, self._profile)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Check:
    """One look at the references of a request, by the threads of ``pool``."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        deadline: Deadline,
        index: Index,
        sop_instances: SOPInstances,
        heads: Heads,
    ) -> None:
        self._pool = pool
        self._deadline = deadline
        self._index = index
        self._sop_instances = sop_instances
        self._heads = heads

    def outcomes(
        self, references: Sequence[Reference], profile: StorageProfile
    ) -> list[CommitmentOutcome | ArchiveError]:
        """Return the outcome of each of ``references``."""
        items = self._items(dict.fromkeys(references))
        judged: dict[Reference, CommitmentOutcome | ArchiveError] = {}
        stored: dict[Reference, Sequence[Item]] = {}
        for reference, found in items.items():
            if isinstance(found, ArchiveError):
                judged[reference] = found
                continue
            classes = [item["SOPClassUID"]["S"] for item in found]
            judged[reference] = judge(reference.sop_class_uid, classes, profile)
            if judged[reference] is CommitmentOutcome.COMMITTED:
                stored[reference] = found
        judged |= self._each(stored, lambda reference: self._whole(stored[reference]))
        return [judged[reference] for reference in references]

    def _whole(self, items: Sequence[Item]) -> CommitmentOutcome:
        """Return COMMITTED if the objects of all ``items`` are there, or else why not."""
        for item in items:
            outcome = self._heads.outcome(item)
            if outcome is not CommitmentOutcome.COMMITTED:
                return outcome
        return CommitmentOutcome.COMMITTED

    def _items(self, references: Iterable[Reference]) -> dict[Reference, _Found]:
        """Return the items of each reference, which may have none, or why they are not known."""
        by_key = [each for each in references if each.study_instance_uid]
        by_uid = [each for each in references if not each.study_instance_uid]
        found = self._read({reference: [_key(reference)] for reference in by_key})
        found |= self._find(by_uid)
        for seconds in SECONDS_UNTIL_ASKED_AGAIN:
            missing = [each for each in by_uid if not isinstance(found[each], ArchiveError)]
            missing = [each for each in missing if not found[each]]
            if not missing:
                break
            if seconds >= self._deadline.seconds_left:
                found |= dict.fromkeys(missing, out_of_time())
                break
            time.sleep(seconds)
            found |= self._find(missing)
        return found

    def _find(self, references: Iterable[Reference]) -> dict[Reference, _Found]:
        keys = self._each(references, lambda each: self._sop_instances.keys(each.sop_instance_uid))
        unknown = {each: found for each, found in keys.items() if isinstance(found, ArchiveError)}
        known = {each: found for each, found in keys.items() if not isinstance(found, ArchiveError)}
        return {**unknown, **self._read(known)}

    def _read(self, keys: Mapping[Reference, Sequence[ItemKey]]) -> dict[Reference, _Found]:
        """Return the items under the ``keys`` of each reference that exist."""
        distinct = list(dict.fromkeys(key for wanted in keys.values() for key in wanted))
        batches = [
            tuple(distinct[start : start + _KEYS_A_READ])
            for start in range(0, len(distinct), _KEYS_A_READ)
        ]
        read = self._each(batches, lambda batch: self._index.read(batch, self._deadline))
        items: dict[ItemKey, Item] = {}
        unread: dict[ItemKey, ArchiveError] = {}
        for batch, found in read.items():
            if isinstance(found, ArchiveError):
                unread |= dict.fromkeys(batch, found)
            else:
                items |= found
        return {
            reference: next(
                (unread[key] for key in wanted if key in unread),
                [items[key] for key in wanted if key in items],
            )
            for reference, wanted in keys.items()
        }

    def _each(
        self, given: Iterable[_Given], do: Callable[[_Given], _Result]
    ) -> dict[_Given, _Result | ArchiveError]:
        """Return what ``do`` returns for each of ``given``, or why it does not, until the deadline.

        What has not begun by then is not begun any more.
        """
        futures: dict[_Given, Future[_Result]] = {
            each: self._pool.submit(self._in_time, do, each) for each in given
        }
        wait(futures.values(), self._deadline.seconds_left)
        results: dict[_Given, _Result | ArchiveError] = {}
        for each, future in futures.items():
            result = _result(future)
            results[each] = result
        return results

    def _in_time(self, do: Callable[[_Given], _Result], given: _Given) -> _Result:
        self._deadline.check()
        return do(given)


def _key(reference: Reference) -> ItemKey:
    return ItemKey(
        reference.study_instance_uid,
        f"instances/{reference.series_instance_uid}/{reference.sop_instance_uid}",
    )


def _result(future: Future[_Result]) -> _Result | ArchiveError:
    if not future.done():
        return out_of_time()
    exception = future.exception()
    return archive_error(exception) if exception else future.result()

"""The instances of one study of a request on their way into the archive.

Objects are put at the same time, and new study and series items are written meanwhile. What has
been put is committed at short intervals, as many items in a call as DynamoDB allows, because a call
costs more than its items. An item that such a call does not write is written by a call of its own,
which says why if it fails.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

from archive.copies import Source
from archive.deadline import Deadline
from archive.entries import DuplicatePolicy, Entry, Kept, fail, turns
from archive.errors import duplicate
from archive.index import Index
from archive.items import Item, Provenance, instance_attributes
from archive.shared import SharedItem
from dicomweb.instances import SOPInstance

_SECONDS_BETWEEN_COMMITS = 0.05

Put = Callable[[SOPInstance, str, Source | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How the instances of a study are stored until ``deadline``.

    ``put`` returns when the object of an instance, with its digest and its source, is there. The
    items say the ``provenance``. The threads of ``putting`` put objects; those of ``writing`` make
    the calls to the index that are for one item. No other study waits for them meanwhile.
    """

    put: Put
    index: Index
    provenance: Provenance
    duplicate_policy: DuplicatePolicy
    deadline: Deadline
    putting: ThreadPoolExecutor
    writing: ThreadPoolExecutor

    def store(self, entries: Sequence[Entry]) -> None:
        """Store ``entries``, whose outcomes are set as soon as they are known."""
        try:
            for turn in turns(entries):
                for put in self._put([entry for entry in turn if self._is_wanted(entry)]):
                    self._commit(put)
                wait([entry.outcome for entry in turn], self.deadline.seconds_left)
        except BaseException as error:  # noqa: BLE001 - the outcome of all entries without one
            fail([entry.outcome for entry in entries], error)

    def _is_wanted(self, entry: Entry) -> bool:
        if entry.identity.sha256 == entry.sha256:
            entry.outcome.set_result(Kept())
            return False
        if not entry.is_new(self.duplicate_policy):
            entry.outcome.set_exception(duplicate())
            return False
        return True

    def _put(self, entries: Sequence[Entry]) -> Iterator[list[Entry]]:
        """Put the objects of ``entries``; yield at intervals those that have been put."""
        ended: SimpleQueue[Entry] = SimpleQueue()
        for entry in entries:
            self.putting.submit(self._put_one, entry, ended)
        self._insert_shared(entries)
        left = len(entries)
        while left:
            together = self._take(ended, left)
            left -= len(together)
            yield [entry for entry in together if not entry.outcome.done()]

    def _put_one(self, entry: Entry, ended: SimpleQueue[Entry]) -> None:
        """Put the object of ``entry``, unless all have failed; a failure is its outcome."""
        try:
            self.deadline.check()
            if not entry.outcome.done():
                self.put(entry.instance, entry.sha256, entry.source)
        except BaseException as error:  # noqa: BLE001 - it concerns this entry and no other
            entry.outcome.set_exception(error)
        ended.put(entry)

    def _take(self, ended: SimpleQueue[Entry], most: int) -> list[Entry]:
        """Return the entries that end within the interval, or else the next one that ends."""
        interval = Deadline(_SECONDS_BETWEEN_COMMITS)
        together: list[Entry] = []
        while len(together) < most:
            waited_for = interval if together else self.deadline
            try:
                together.append(ended.get(timeout=waited_for.seconds_left))
            except Empty:
                break
        self.deadline.check()
        return together

    def _commit(self, entries: Sequence[Entry]) -> None:
        """Write the items of ``entries``, whose objects have been put."""
        self._write_shared(entries)
        items = {
            entry.identity.key: self._item(entry) for entry in entries if _can_be_inserted(entry)
        }
        inserted = self.index.insert(items, self.deadline)
        for entry in entries:
            if entry.identity.key in inserted:
                entry.identity.stored = items[entry.identity.key]
                entry.kept()
            else:
                self.writing.submit(self._commit_one, entry)

    def _insert_shared(self, entries: Sequence[Entry]) -> None:
        """Try to insert the study and series items that do not exist, while objects are put.

        An item without instances does not count. One that has some does, so what it lacks is added
        by ``_write_shared``, after an object that it is true of was put.
        """
        new = {each.key: each for each in _lacking(entries) if each.is_new}
        items = {key: each.lacking for key, each in new.items()}
        for key in self.index.insert(items, self.deadline):
            new[key].written()

    def _write_shared(self, entries: Sequence[Entry]) -> None:
        """Try to write what the studies and series of ``entries`` still lack."""
        wait(
            [self.writing.submit(each.write_once, self.index) for each in _lacking(entries)],
            self.deadline.seconds_left,
        )

    def _commit_one(self, entry: Entry) -> None:
        """Write only the item of ``entry``, and what its study and its series still lack."""
        try:
            for shared in (entry.study, entry.series):
                self.deadline.check()
                shared.write_once(self.index)
            self._commit_over(entry)
        except BaseException as error:  # noqa: BLE001 - it concerns this entry and no other
            entry.outcome.set_exception(error)
        else:
            entry.kept()

    def _commit_over(self, entry: Entry) -> None:
        identity = entry.identity
        item = self._item(entry)
        while identity.sha256 != entry.sha256:
            if not entry.is_new(self.duplicate_policy):
                raise duplicate()
            self.deadline.check()
            identity.stored = self.index.commit(identity.key, item, over=identity.stored)

    def _item(self, entry: Entry) -> Item:
        return {
            **instance_attributes(entry.instance),
            "SHA256": {"S": entry.sha256},
            "Stored": {"S": datetime.now(UTC).isoformat(timespec="milliseconds")},
            **self.provenance.item(),
        }


def _lacking(entries: Sequence[Entry]) -> Collection[SharedItem]:
    """Return the studies and series of ``entries`` that lack anything, each once."""
    shared = [each for entry in entries for each in (entry.study, entry.series)]
    return {each.key: each for each in shared if each.lacking}.values()


def _can_be_inserted(entry: Entry) -> bool:
    return not (entry.identity.stored or entry.study.lacking or entry.series.lacking)

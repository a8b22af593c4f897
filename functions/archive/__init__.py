"""Where instances are kept: bytes in S3, index in DynamoDB.

An instance is stored in this order: its object, what its study and its series lack, its own
item. That item is the commit: nothing is acknowledged before it, and whatever was interrupted
before it leaves nothing that counts, so it may be sent again. Objects are immutable and named
by their digest, and the commit is conditional: of senders that race for the same UIDs with
other bytes one wins, and no write destroys what another wrote.
"""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from botocore.session import get_session

from archive.clients import CONNECTIONS, READ_TIMEOUT
from archive.deadline import Deadline
from archive.errors import ArchiveError, archive_error, out_of_time
from archive.index import Index
from archive.objects import Objects
from archive.transaction import DuplicatePolicy, Transaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.copies import Source
    from archive.items import ItemKey
    from archive.transaction import Entry
    from dicomweb.instances import SOPInstance

__all__ = ["Archive", "ArchiveError", "DuplicatePolicy"]


class Archive:
    """The archive of a deployment; several threads may use it.

    Its clients, which are slow to make, are made here: make one archive and keep it.
    ``read_timeout`` is for how many seconds they wait for S3: a copy inside S3 takes its time.
    """

    def __init__(
        self,
        *,
        bucket: str,
        table: str,
        duplicate_policy: DuplicatePolicy,
        read_timeout: int = READ_TIMEOUT,
    ) -> None:
        session = get_session()
        self._objects = Objects(bucket, session, read_timeout)
        self._index = Index(table, session)
        self._duplicate_policy = duplicate_policy

    def keep(
        self,
        instances: "Sequence[SOPInstance]",
        *,
        seconds: float,
        sources: "Sequence[Source | None] | None" = None,
    ) -> list[ArchiveError | None]:
        """Store ``instances`` and return within ``seconds`` what became of each, in their order.

        ``sources`` says of each where its bytes stand in S3 already, if they do. None means
        that S3 and DynamoDB have both confirmed the instance. Nothing is raised. What is under
        way at the end of the time may still be stored afterwards; then it is found there when
        it is sent again.
        """
        deadline = Deadline(seconds)
        transaction = Transaction(
            objects=self._objects,
            index=self._index,
            duplicate_policy=self._duplicate_policy,
            deadline=deadline,
        )
        pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="archive")
        try:
            places = sources or [None] * len(instances)
            reading = pool.submit(transaction.read, instances, places)
            wait([reading], deadline.seconds_left)
            if failure := _outcome(reading):
                return [failure] * len(instances)
            writing = _submit(pool, transaction, reading.result())
            wait(writing, deadline.seconds_left)
            return [_outcome(future) for future in writing]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _submit(
    pool: ThreadPoolExecutor, transaction: Transaction, entries: "list[Entry]"
) -> list[Future[None]]:
    # A pool starts its work in order, so an entry never waits for one that cannot start.
    latest: dict[ItemKey, Future[None]] = {}
    writing = []
    for entry in entries:
        key = entry.identity.key
        latest[key] = pool.submit(transaction.store, entry, latest.get(key))
        writing.append(latest[key])
    return writing


def _outcome(future: "Future[list[Entry]] | Future[None]") -> ArchiveError | None:
    if not future.done():
        return out_of_time()
    exception = future.exception()
    return archive_error(exception) if exception else None

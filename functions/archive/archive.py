"""The archive: keeps instances, and says what became durable (``archive`` says in which order)."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from threading import local

from boto3.session import Session

from archive.clients import CONNECTIONS, s3_client
from archive.copies import Source
from archive.deadline import Deadline
from archive.entries import DuplicatePolicy, Entry, Kept, by_study, fail, read
from archive.errors import ArchiveError, archive_error, out_of_time
from archive.index import Index
from archive.items import Provenance
from archive.keeping import Keeping
from archive.locks import Retention
from archive.objects import Objects
from archive.stored import StoredObjects
from dicomweb.instances import SOPInstance


class Archive:
    """The archive of a deployment; several threads may use it.

    It makes its clients, which is slow: make one archive and keep it. They open no connection
    before they are used. With ``seconds_to_copy``, large instances that are already in S3 are
    copied there, and each request for a copy may take that long. With ``retention``, the objects
    are locked. With ``stored``, instances get items only, and their objects have to be there.
    """

    def __init__(  # noqa: PLR0913 - all by keyword; no caller passes more than five
        self,
        *,
        bucket: str,
        table: str,
        duplicate_policy: DuplicatePolicy,
        seconds_to_copy: int | None = None,
        retention: Retention | None = None,
        stored: StoredObjects | None = None,
    ) -> None:
        session = Session()
        self._index = Index(table, session)
        copier = s3_client(session, seconds_to_copy) if seconds_to_copy else None
        self._objects = Objects(bucket, session, copier, retention=retention)
        self._stored = stored
        self._duplicate_policy = duplicate_policy
        self._left = local()

    def keep(
        self,
        instances: Sequence[SOPInstance],
        *,
        seconds: float,
        provenance: Provenance,
        sources: Sequence[Source | None] | None = None,
    ) -> list[Kept | ArchiveError]:
        """Store ``instances`` and return the outcome of each within ``seconds``, in their order.

        ``provenance`` is the request that they came by. ``sources`` says where the bytes of each
        are in S3 already, if they are. Kept means that S3 and DynamoDB have both confirmed the
        instance. Nothing is raised. An instance that is under way at the end of the time may still
        be stored afterwards; it is then found when it is sent again. Until then, the thread that
        stores it holds its bytes (``wait``).
        """
        deadline = Deadline(seconds)
        outcomes: list[Future[Kept]] = [Future() for _ in instances]
        storing = _pool(CONNECTIONS)
        self._left.pools = pools = [storing]

        def store() -> None:
            try:
                entries = read(self._index, instances, places, outcomes, deadline)
                self._begin(entries, provenance, deadline, pools)
            except BaseException as error:  # noqa: BLE001 - the outcome of all without one
                fail(outcomes, error)

        places = sources or [None] * len(instances)
        try:
            storing.submit(store)
            wait(outcomes, deadline.seconds_left)
            return [_result(outcome) for outcome in outcomes]
        finally:
            storing.shutdown(wait=False, cancel_futures=True)

    def _begin(
        self,
        entries: Sequence[Entry],
        provenance: Provenance,
        deadline: Deadline,
        pools: list[ThreadPoolExecutor],
    ) -> None:
        """Let each study be stored by its own thread of the first pool, if there are enough.

        The thread that calls this is one of them. The studies share the connections, so that none
        waits for the answers that another gets. Pools that put and write are added to ``pools``.
        """
        for entry in entries:
            if entry.is_new(self._duplicate_policy):
                entry.expect_shared()
        studies = by_study(entries)
        share = max(1, CONNECTIONS // len(studies))
        together = sum(len(entry.instance.content) for entry in entries)
        put = partial(self._objects.put, deadline=deadline, together=together)
        stores: list[Callable[[], None]] = []
        for study in studies:
            putting, writing = _pool(min(share, len(study))), _pool(share)
            pools += (putting, writing)
            keeping = Keeping(
                put=self._stored.check if self._stored else put,
                index=self._index,
                provenance=provenance,
                duplicate_policy=self._duplicate_policy,
                deadline=deadline,
                putting=putting,
                writing=writing,
            )
            stores.append(partial(keeping.store, study))
        for store in stores[1:]:
            pools[0].submit(store)
        stores[0]()

    def wait(self) -> None:
        """Wait for the threads that the last ``keep`` of the calling thread left behind."""
        for pool in getattr(self._left, "pools", ()):
            pool.shutdown()


def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="archive")


def _result(outcome: Future[Kept]) -> Kept | ArchiveError:
    if not outcome.done():
        return out_of_time()
    exception = outcome.exception()
    return archive_error(exception) if exception else outcome.result()

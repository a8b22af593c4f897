"""The archive: keeps instances, and says what became durable (``archive`` says in which order)."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import partial
from threading import local

from boto3.session import Session

from archive.clients import s3_client
from archive.copies import Source
from archive.deadline import Deadline
from archive.entries import DuplicatePolicy, Entry, Kept, Offered, by_study, fail, read
from archive.errors import ArchiveError, archive_error, out_of_time
from archive.index import Index
from archive.items import Provenance
from archive.keeping import Keeping
from archive.locks import Retention
from archive.objects import Objects
from archive.stored import StoredObjects
from archive.threads import Threads
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
        self._last = local()

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
        threads = self._threads()
        outcomes: list[Future[Kept]] = [Future() for _ in instances]
        places = sources or [None] * len(instances)
        offered = list(map(Offered, instances, places, outcomes))

        def store() -> None:
            try:
                entries = read(self._index, offered, deadline, threads.storing)
                self._begin(entries, provenance, deadline, threads)
            except BaseException as error:  # noqa: BLE001 - the outcome of all without one
                fail(outcomes, error)

        try:
            threads.storing.submit(store)
            wait(outcomes, deadline.seconds_left)
            return [_result(outcome) for outcome in outcomes]
        finally:
            threads.end_unless(idle=all(map(_is_kept, outcomes)))

    def _threads(self) -> Threads:
        """Return the threads of the calling thread's last ``keep``, or new ones if they ended."""
        threads: Threads | None = getattr(self._last, "threads", None)
        if threads is None or threads.ended:
            threads = self._last.threads = Threads()
        return threads

    def _begin(
        self, entries: Sequence[Entry], provenance: Provenance, deadline: Deadline, threads: Threads
    ) -> None:
        """Let each study be stored by a thread of its own, if there are enough.

        The thread that calls this is one of them. The studies share the connections, so that none
        waits for the answers that another gets.
        """
        for entry in entries:
            if entry.is_new(self._duplicate_policy):
                entry.expect_shared()
        together = sum(len(entry.instance.content) for entry in entries)
        put = partial(self._objects.put, deadline=deadline, together=together)
        studies = by_study(entries)
        stores: list[Callable[[], None]] = []
        for study, (putting, writing) in zip(
            studies, threads.of_studies(len(studies)), strict=True
        ):
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
            threads.storing.submit(store)
        stores[0]()

    def wait(self) -> None:
        """Wait for the threads of the last ``keep`` of the calling thread."""
        if threads := getattr(self._last, "threads", None):
            threads.join()


def _is_kept(outcome: Future[Kept]) -> bool:
    return outcome.done() and not outcome.exception()


def _result(outcome: Future[Kept]) -> Kept | ArchiveError:
    if not outcome.done():
        return out_of_time()
    exception = outcome.exception()
    return archive_error(exception) if exception else outcome.result()

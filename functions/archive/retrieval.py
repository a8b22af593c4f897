"""What is stored, for those who ask for it: items of the index, and bytes of objects.

Every read of the index is consistent, so whatever was acknowledged is found. An object is named by
its digest, and bytes are returned only if they have it. All methods raise botocore's errors, and
ArchiveError if an object is not what its item says.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from hashlib import sha256
from typing import Any

from boto3.session import Session
from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError

from archive.clients import CONNECTIONS, s3_client
from archive.errors import ArchiveError
from archive.items import Item
from archive.partitions import Partitions
from archive.storedinstances import INSTANCES, StoredInstance
from dicomweb.reasons import FailureReason

SECONDS_TO_FOLLOW = 300
"""How long a presigned URL is valid."""

_ATTEMPTS = 3
_CUT_OFF = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)


class Retrieval:
    """The bucket and the table of a deployment, to read from."""

    def __init__(self, bucket: str, table: str) -> None:
        session = Session()
        self._bucket = bucket
        self._s3 = s3_client(session)
        self._partitions = Partitions(table, session)

    def find(self, study: str, series: str, instance: str) -> StoredInstance | None:
        """Return a stored instance, or None if there is none with these UIDs."""
        item = self._partitions.item(study, f"{INSTANCES}{series}/{instance}")
        return StoredInstance.of(item) if item else None

    def items(
        self,
        study: str,
        below: str = "",
        *,
        skip: int = 0,
        page: int | None = None,
        only: Sequence[str] = (),
    ) -> Iterator[Item]:
        """Yield the items of a study whose ``Resource`` begins with ``below``, in its order.

        The first ``skip`` are left out; ``page`` is how many are wanted at a time, and ``only``
        which attributes.
        """
        return self._partitions.items(study, below, skip=skip, page=page, only=only)

    def instances(self, study: str, series: str = "") -> Iterator[StoredInstance]:
        """Yield the instances of a study, or of one of its series."""
        below = f"{INSTANCES}{series}/" if series else INSTANCES
        return map(StoredInstance.of, self.items(study, below))

    def presign(self, instance: StoredInstance, method: str) -> str:
        """Return a URL at which S3 answers a GET or HEAD with the bytes and their media type."""
        return self._s3.generate_presigned_url(
            "head_object" if method == "HEAD" else "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": instance.key,
                "ResponseContentType": instance.media_type,
            },
            ExpiresIn=SECONDS_TO_FOLLOW,
        )

    def read(self, instance: StoredInstance) -> bytes:
        """Return the bytes of an instance, which have its digest."""
        content = self._read(instance.key)
        if sha256(content).hexdigest() != instance.sha256:
            # They were damaged on their way, or are not what was stored.
            content = self._read(instance.key)
            if sha256(content).hexdigest() != instance.sha256:
                raise ArchiveError(
                    FailureReason.PROCESSING_FAILURE,
                    "found bytes in the archive that do not have the digest of the instance",
                )
        return content

    def read_all(self, instances: Sequence[StoredInstance]) -> list[bytes]:
        """Return the bytes of each of ``instances``, several of which are read at a time."""
        pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="retrieval")
        try:
            return list(pool.map(self.read, instances))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def read_range(self, instance: StoredInstance, start: int, end: int) -> bytes:
        """Return the bytes of an instance from ``start`` up to ``end``, or to its own end."""
        return self._read(instance.key, Range=f"bytes={start}-{min(end, instance.size) - 1}")

    def _read(self, key: str, **wanted: str) -> bytes:
        for _ in range(_ATTEMPTS - 1):  # botocore does not repeat a request after half an answer
            with suppress(*_CUT_OFF):
                return self._read_once(key, wanted)
        return self._read_once(key, wanted)

    def _read_once(self, key: str, wanted: Mapping[str, Any]) -> bytes:
        answer = self._s3.get_object(Bucket=self._bucket, Key=key, **wanted)
        with closing(answer["Body"]) as stream:
            return stream.read()

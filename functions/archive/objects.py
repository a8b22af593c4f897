"""The objects: an instance's bytes in S3, exactly as they were sent.

::

    studies/{study}/series/{series}/instances/{sop}/{SHA-256 of the bytes, hex}.dcm

An object is immutable, because its key holds the digest of its bytes: no write ever destroys
other bytes, and writing again changes nothing. Its Content-Type names the transfer syntax in the
form of PS3.18 Section 8.7.3.5; it has no user metadata.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import obstore
from boto3.session import Session
from botocore.exceptions import ClientError
from obstore.exceptions import BaseError

from archive import keys
from archive.clients import ATTEMPTS, s3_client
from archive.copies import SMALLEST_COPY_BYTES, Source, Target, copy
from archive.deadline import Deadline
from archive.errors import PutError, error_code
from archive.locks import ObjectLock, Retention
from archive.stores import SLOWEST_UPLINK, Stores
from dicomweb.instances import SOPInstance

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def object_key(instance: SOPInstance, sha256: str) -> str:
    """Return the key of ``instance``, whose bytes have the digest ``sha256`` (hex)."""
    return keys.of(
        instance.study_instance_uid,
        instance.series_instance_uid,
        instance.sop_instance_uid,
        sha256,
    )


def key_of(item: Mapping[str, Any]) -> str:
    """Return the key of the object that holds the bytes of an instance ``item``."""
    _, series, instance = item["Resource"]["S"].split("/")
    return keys.of(item["StudyInstanceUID"]["S"], series, instance, item["SHA256"]["S"])


class Objects:
    """The bucket that holds the instances; ``copier`` is the client that copies inside S3.

    ``uplink`` is how many bytes a second are sent at least, by all connections together.
    """

    def __init__(
        self,
        bucket: str,
        session: Session,
        copier: "S3Client | None",
        uplink: float = SLOWEST_UPLINK,
        retention: Retention | None = None,
    ) -> None:
        self._bucket = bucket
        self._stores = Stores(bucket, session, uplink)
        self._copier = copier
        self._retention = retention
        # obstore cannot ask for a lock.
        self._locker = s3_client(session) if retention else None

    def put(
        self,
        instance: SOPInstance,
        sha256: str,
        source: Source | None = None,
        *,
        deadline: Deadline,
        together: int = 0,
    ) -> None:
        """Store the bytes of ``instance``, unless they are already there.

        Large instances are copied from their ``source`` in S3, if they have one. ``together`` are
        the bytes of all instances that are stored at the same time.
        Raises ArchiveError (A700) at the ``deadline``, PutError, and botocore's errors of a copy
        or of an object that is locked.
        """
        key, content_type = object_key(instance, sha256), _content_type(instance)
        lock = self._retention.lock() if self._retention else ObjectLock()
        target = Target(bucket=self._bucket, key=key, content_type=content_type, lock=lock)
        if source and self._copier and len(instance.content) >= SMALLEST_COPY_BYTES:
            write = partial(copy, self._copier, source, instance.content, target, deadline)
            is_stored = partial(_is_written, write)
        elif self._locker:
            write = partial(_put_locked, self._locker, instance.content, sha256, target)
            is_stored = partial(_is_written, write)
        else:
            is_stored = partial(self._is_put, instance.content, key, content_type, together)
        attempt = 0
        while not is_stored(attempt):
            deadline.pause(attempt)
            attempt += 1

    def _is_put(
        self, content: memoryview, key: str, content_type: str, together: int, attempt: int
    ) -> bool:
        """Put an object; tell whether it is there or another attempt is needed."""
        store = self._stores.store(len(content), together)
        try:
            obstore.put(
                store,
                key,
                content,
                mode="create",  # If-None-Match: *
                attributes={"Content-Type": content_type},
                use_multipart=False,
            )
        except (BaseError, OSError) as raised:
            error = PutError.of(raised)
            if error.status == HTTPStatus.PRECONDITION_FAILED:
                return True
            # Another write to the key is under way, or the network or S3 failed.
            in_conflict = error.status == HTTPStatus.CONFLICT
            if not in_conflict and (attempt + 1 >= ATTEMPTS or not error.temporary):
                raise error from None  # the original exception names the key
            if not error.status:
                self._stores.leave(store)
            return False
        return True


def _put_locked(s3: "S3Client", content: memoryview, sha256: str, target: Target) -> None:
    """Put an object with a lock, for which S3 requires a checksum; raises botocore's errors."""
    s3.put_object(
        Bucket=target.bucket,
        Key=target.key,
        Body=bytes(content),
        ContentType=target.content_type,
        ChecksumAlgorithm="SHA256",
        ChecksumSHA256=b64encode(bytes.fromhex(sha256)).decode("ascii"),
        IfNoneMatch="*",
        **target.lock,
    )


def _is_written(write: Callable[[], None], _: int) -> bool:
    try:
        write()
    except ClientError as error:
        match error_code(error):
            case "PreconditionFailed" if error.operation_name != "UploadPartCopy":
                return True
            # Another write to the key is under way, or the request to complete was repeated.
            case "ConditionalRequestConflict" | "NoSuchUpload":
                return False
            case _:
                raise
    return True


def _content_type(instance: SOPInstance) -> str:
    return f"application/dicom; transfer-syntax={instance.transfer_syntax_uid}"

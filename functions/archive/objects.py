"""The objects: an instance's bytes in S3, exactly as they were sent.

::

    studies/{study}/series/{series}/instances/{sop}/{SHA-256 of the bytes, hex}.dcm

An object is immutable, because its key holds the digest of its bytes: no write ever destroys
other bytes, and writing again changes nothing. Its Content-Type names the transfer syntax as
PS3.18 Section 8.7.3.5 does; it has no user metadata.
"""

import base64
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from archive.clients import s3_client
from archive.copies import SMALLEST_COPY_BYTES, Target, copy
from archive.errors import error_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.session import Session

    from archive.copies import Source
    from archive.deadline import Deadline
    from dicomweb.instances import SOPInstance


def object_key(instance: "SOPInstance", sha256: str) -> str:
    """Return the key of ``instance``, whose bytes have the digest ``sha256`` (hex)."""
    return (
        f"studies/{instance.study_instance_uid}/series/{instance.series_instance_uid}"
        f"/instances/{instance.sop_instance_uid}/{sha256}.dcm"
    )


class Objects:
    """The bucket that holds the instances."""

    def __init__(self, bucket: str, session: "Session", read_timeout: int) -> None:
        self.bucket = bucket
        self._s3 = s3_client(session, read_timeout)

    def put(
        self,
        instance: "SOPInstance",
        sha256: str,
        deadline: "Deadline",
        source: "Source | None" = None,
    ) -> None:
        """Store the bytes of ``instance``; done as well if they are there.

        Large ones are copied from their ``source`` in S3, if they have one.
        Raises ArchiveError (A700) at the ``deadline`` and botocore's errors.
        """
        write = partial(self._put, instance, sha256)
        if source and len(instance.content) >= SMALLEST_COPY_BYTES:
            target = Target(
                bucket=self.bucket,
                key=object_key(instance, sha256),
                content_type=_content_type(instance),
            )
            write = partial(copy, self._s3, source, instance.content, target, deadline)
        attempt = 0
        while not self._is_stored(write):
            deadline.pause(attempt)
            attempt += 1

    def _is_stored(self, write: "Callable[[], None]") -> bool:
        try:
            write()
        except ClientError as error:
            match error_code(error):
                case "PreconditionFailed" if error.operation_name != "UploadPartCopy":
                    return True
                # Another write of the key is under way, or a completed copy was asked for again.
                case "ConditionalRequestConflict" | "NoSuchUpload":
                    return False
                case _:
                    raise
        return True

    def _put(self, instance: "SOPInstance", sha256: str) -> None:
        self._s3.put_object(
            Bucket=self.bucket,
            Key=object_key(instance, sha256),
            Body=BytesIO(instance.content),  # a copy, which lives no longer than this call
            ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode("ascii"),
            ContentType=_content_type(instance),
            IfNoneMatch="*",
        )


def _content_type(instance: "SOPInstance") -> str:
    return f"application/dicom; transfer-syntax={instance.transfer_syntax_uid}"

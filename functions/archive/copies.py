"""Copies inside S3: the bytes of an object come from a range of another one, and not from here.

A copy takes three requests and a PutObject one, so only large instances are copied. S3 computes
the digest of what it copies and compares it with ours when the copy is completed.
"""

import base64
import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archive.deadline import Deadline
from archive.errors import CALL_FAILED
from archive.locks import ObjectLock

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

SMALLEST_COPY_BYTES = 8 * 1024**2
"""The size from which a copy pays off. S3 copies no ranges of objects of 5 MB or less."""

LARGEST_RANGE_BYTES = 256 * 1024**2
"""The most that one request copies. S3 allows 5 GiB, but that takes longer than a client waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where bytes are in S3: an object, its ``etag``, and the offset of the first byte."""

    key: str
    etag: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The object to be written, and its lock if it gets one."""

    bucket: str
    key: str
    content_type: str
    lock: ObjectLock = field(default_factory=ObjectLock)


def copy(
    s3: "S3Client", source: Source, content: memoryview, target: Target, deadline: Deadline
) -> None:
    """Write ``target``, unless the object exists, from ``source``, which holds ``content``.

    Raises ArchiveError (A700) at the deadline, and botocore's errors.
    """
    bucket, key = target.bucket, target.key
    upload_id = s3.create_multipart_upload(
        Bucket=bucket,
        Key=key,
        ContentType=target.content_type,
        ChecksumAlgorithm="SHA256",
        **target.lock,
    )["UploadId"]
    try:
        parts: list[CompletedPartTypeDef] = []
        for start in range(0, len(content), LARGEST_RANGE_BYTES):
            deadline.check()
            piece = content[start : start + LARGEST_RANGE_BYTES]
            first = source.offset + start
            number = len(parts) + 1
            answer = s3.upload_part_copy(
                Bucket=bucket,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                CopySource={"Bucket": bucket, "Key": source.key},
                CopySourceIfMatch=source.etag,
                CopySourceRange=f"bytes={first}-{first + len(piece) - 1}",
            )
            parts.append(_completed(number, answer["CopyPartResult"]["ETag"], piece))
        s3.complete_multipart_upload(
            Bucket=bucket,
            Key=key,
            UploadId=upload_id,
            MultipartUpload={"Parts": parts},
            IfNoneMatch="*",
        )
    except BaseException:
        with suppress(*CALL_FAILED):  # otherwise a lifecycle rule does it
            s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
        raise


def _completed(number: int, etag: str, piece: memoryview) -> "CompletedPartTypeDef":
    digest = base64.b64encode(hashlib.sha256(piece).digest()).decode("ascii")
    return {"PartNumber": number, "ETag": etag, "ChecksumSHA256": digest}

"""Copies inside S3: an object's bytes taken from a range of another, without passing through here.

Three requests, where a PutObject is one: so only for what is large. S3 computes the digest of
what it copies and compares it with ours when the copy is completed.
"""

import base64
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.deadline import Deadline
from archive.errors import CALL_FAILED

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

SMALLEST_COPY_BYTES = 8 * 1024**2
"""From here on a copy is worth its requests. S3 copies no range of an object of 5 MB or less."""

LARGEST_RANGE_BYTES = 256 * 1024**2
"""What one request copies. S3 allows 5 GiB, which would take it longer than a client waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where bytes stand in S3: an object as it was when it had ``etag``, and the first byte."""

    key: str
    etag: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The object to be written."""

    bucket: str
    key: str
    content_type: str


def copy(
    s3: "S3Client", source: Source, content: memoryview, target: Target, deadline: Deadline
) -> None:
    """Write ``target``, unless there is such an object, from ``source``, which holds ``content``.

    Raises ArchiveError (A700) at the deadline, and botocore's errors.
    """
    bucket, key = target.bucket, target.key
    upload_id = s3.create_multipart_upload(
        Bucket=bucket, Key=key, ContentType=target.content_type, ChecksumAlgorithm="SHA256"
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
        with suppress(*CALL_FAILED):  # a lifecycle rule does it as well
            s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
        raise


def _completed(number: int, etag: str, piece: memoryview) -> "CompletedPartTypeDef":
    digest = base64.b64encode(hashlib.sha256(piece).digest()).decode("ascii")
    return {"PartNumber": number, "ETag": etag, "ChecksumSHA256": digest}

"""Copies inside S3: the bytes of an object come from a range of another one, and not from here.

A copy takes three requests and a PutObject one, so only large instances are copied. S3 computes
the digest of what it copies and compares it with ours when the copy is completed. It copies several
ranges at the same time, and their digests are computed here meanwhile.
"""

import base64
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, TypedDict

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

RANGES_AT_A_TIME = 8
"""How many ranges of all instances S3 copies at the same time."""

_copying = BoundedSemaphore(RANGES_AT_A_TIME)


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
    begun = s3.create_multipart_upload(
        Bucket=target.bucket,
        Key=target.key,
        ContentType=target.content_type,
        ChecksumAlgorithm="SHA256",
        **target.lock,
    )
    upload: _Upload = {"Bucket": target.bucket, "Key": target.key, "UploadId": begun["UploadId"]}
    try:
        parts = list(_copy_ranges(s3, source, content, upload, deadline))
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
    except BaseException:
        with suppress(*CALL_FAILED):  # otherwise a lifecycle rule does it
            s3.abort_multipart_upload(**upload)
        raise


class _Upload(TypedDict):
    """A multipart upload, as each of its requests names it."""

    Bucket: str
    Key: str
    UploadId: str


def _copy_ranges(
    s3: "S3Client", source: Source, content: memoryview, upload: _Upload, deadline: Deadline
) -> Iterator["CompletedPartTypeDef"]:
    """Copy all ranges, and yield the parts that they have become, in order.

    When it ends, so have all requests: a part whose copy is under way outlives an abort.
    """

    def copied(number: int, first: int, size: int) -> str:
        with _copying:
            deadline.check()
            return s3.upload_part_copy(
                **upload,
                PartNumber=number,
                CopySource={"Bucket": upload["Bucket"], "Key": source.key},
                CopySourceIfMatch=source.etag,
                CopySourceRange=f"bytes={first}-{first + size - 1}",
            )["CopyPartResult"]["ETag"]

    starts = range(0, len(content), LARGEST_RANGE_BYTES)
    pieces = [content[start : start + LARGEST_RANGE_BYTES] for start in starts]
    pool = ThreadPoolExecutor(
        min(len(pieces), RANGES_AT_A_TIME), thread_name_prefix="archive-copies"
    )
    try:
        copying = [
            pool.submit(copied, number, source.offset + start, len(piece))
            for number, (start, piece) in enumerate(zip(starts, pieces, strict=True), start=1)
        ]
        for number, (piece, each) in enumerate(zip(pieces, copying, strict=True), start=1):
            digest = base64.b64encode(hashlib.sha256(piece).digest()).decode("ascii")
            yield {"PartNumber": number, "ETag": each.result(), "ChecksumSHA256": digest}
    finally:
        pool.shutdown(cancel_futures=True)

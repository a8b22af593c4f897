"""Bodies on their way: put into S3 by their senders, read by ingest, and then deleted.

::

    staging/{upload id}                         a body, as it was sent
    answers/{upload id}/{SHA-256, hex}.json     its outcomes

A sender gets presigned requests, which S3 accepts only for the key, the size and the type that
they were signed for. Bodies larger than one PUT may carry (5 GiB) are sent in parts. The key of an
answer holds its digest, so that no attempt overwrites the answer of another one.
"""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from tempfile import TemporaryFile
from typing import Any

from boto3.session import Session
from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError

from archive import disk
from archive.clients import s3_client
from archive.copies import Source

STAGING = "staging/"
ANSWERS = "answers/"

LARGEST_PUT_BYTES = 5 * 1024**3
PART_BYTES = 512 * 1024**2

RANGE_BYTES = 16 * 1024**2
"""How much of a body one request reads."""

_READERS = 8
_CHUNK_BYTES = 512 * 1024
_ATTEMPTS = 3
_CUT_OFF = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedBody:
    """A complete body in S3; ``size`` in bytes, ``version`` empty in a bucket without versions."""

    key: str
    size: int
    etag: str
    version: str = ""

    def source(self, offset: int) -> Source:
        """Return the source for a copy of the bytes at ``offset``."""
        return Source(key=self.key, etag=self.etag, offset=offset)

    @property
    def upload_id(self) -> str:
        """The id of the upload that the body belongs to."""
        return self.key.removeprefix(STAGING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presigned:
    """A request that its holder may send until it expires; ``offset`` into the body in bytes."""

    url: str
    headers: Mapping[str, str]
    offset: int = 0
    size: int = 0


class Staging:
    """The bodies and answers in the bucket. All methods raise botocore's errors."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._s3 = s3_client(Session())

    def presign_put(self, upload_id: str, content_type: str, size: int, seconds: int) -> Presigned:
        """Return the request that puts the whole body; S3 accepts it once, within ``seconds``."""
        wanted = {"ContentType": content_type, "ContentLength": size, "IfNoneMatch": "*"}
        headers = {
            "Content-Type": content_type,
            "Content-Length": str(size),
            "If-None-Match": "*",
        }
        url = self._presign("put_object", upload_id, wanted, seconds)
        return Presigned(url=url, headers=headers, size=size)

    def presign_parts(
        self, upload_id: str, content_type: str, size: int, seconds: int
    ) -> tuple[list[Presigned], str]:
        """Begin a multipart upload; return the requests that put its parts, and the last URL.

        S3's CompleteMultipartUpload document is POSTed to that URL.
        """
        begun = self._s3.create_multipart_upload(
            Bucket=self._bucket, Key=STAGING + upload_id, ContentType=content_type
        )
        multipart = {"UploadId": begun["UploadId"]}
        parts = []
        for number, offset in enumerate(range(0, size, PART_BYTES), start=1):
            length = min(PART_BYTES, size - offset)
            wanted = {**multipart, "PartNumber": number, "ContentLength": length}
            url = self._presign("upload_part", upload_id, wanted, seconds)
            headers = {"Content-Length": str(length)}
            parts.append(Presigned(url=url, headers=headers, offset=offset, size=length))
        complete = self._presign("complete_multipart_upload", upload_id, multipart, seconds)
        return parts, complete

    def _presign(
        self, operation: str, upload_id: str, wanted: Mapping[str, Any], seconds: int
    ) -> str:
        parameters = {"Bucket": self._bucket, "Key": STAGING + upload_id, **wanted}
        return self._s3.generate_presigned_url(operation, Params=parameters, ExpiresIn=seconds)

    def mapped(self, body: StagedBody) -> mmap:
        """Return ``body``, mapped from a file that disappears with the mapping.

        Its memory is the kernel's page cache, which the kernel can reclaim. Also raises DiskFull.
        """
        with disk.saying_full(), TemporaryFile() as file:
            self.download(body, file.fileno())
            return mmap(file.fileno(), body.size, access=ACCESS_READ)

    def download(self, body: StagedBody, file: int) -> None:
        """Write ``body`` to an open ``file``, several ranges at the same time.

        Also raises DiskFull, if possible before anything is read.
        """
        disk.check_space(file, body.size)
        with ThreadPoolExecutor(_READERS, thread_name_prefix="staging") as pool:
            offsets = range(0, body.size, RANGE_BYTES)
            reading = [pool.submit(self._download, body, file, offset) for offset in offsets]
            try:
                for each in reading:
                    each.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _download(self, body: StagedBody, file: int, offset: int) -> None:
        for _ in range(_ATTEMPTS - 1):  # botocore does not repeat a request after half an answer
            try:
                self._download_once(body, file, offset)
            except _CUT_OFF:
                continue
            return
        self._download_once(body, file, offset)

    def _download_once(self, body: StagedBody, file: int, offset: int) -> None:
        last = min(offset + RANGE_BYTES, body.size) - 1
        answer = self._s3.get_object(
            Bucket=self._bucket, Key=body.key, Range=f"bytes={offset}-{last}", IfMatch=body.etag
        )
        with closing(answer["Body"]) as stream:
            for chunk in stream.iter_chunks(_CHUNK_BYTES):
                offset = disk.write(file, chunk, offset)

    def delete(self, body: StagedBody) -> None:
        """Delete a body, that is, its version and not only its name; it may already be gone."""
        if body.version:
            self._s3.delete_object(Bucket=self._bucket, Key=body.key, VersionId=body.version)
        else:
            self._s3.delete_object(Bucket=self._bucket, Key=body.key)

    def put_answer(self, upload_id: str, text: str) -> str:
        """Store an answer and return its key."""
        content = text.encode()
        key = f"{ANSWERS}{upload_id}/{hashlib.sha256(content).hexdigest()}.json"
        self._s3.put_object(
            Bucket=self._bucket, Key=key, Body=content, ContentType="application/json"
        )
        return key

    def get_answer(self, key: str) -> str:
        """Return the answer under ``key``."""
        for _ in range(_ATTEMPTS - 1):  # as above
            with suppress(*_CUT_OFF):
                return self._get_answer_once(key)
        return self._get_answer_once(key)

    def _get_answer_once(self, key: str) -> str:
        with closing(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]) as stream:
            return stream.read().decode()

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from threading import get_native_id
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from local import aws
from local.large_objects import IN_MEMORY
from tests.local import staging

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.process

MIB = 1024 * 1024
BODY = random.Random(5).randbytes(12 * MIB)
"""Too large to be held in memory."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int, Path]]:
    """Start S3; give its URL, the ID of its process and where it keeps large objects."""
    directory = tmp_path_factory.mktemp("objects")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(directory))
        with staging.served() as endpoint:
            children = Path(f"/proc/self/task/{get_native_id()}/children").read_text().split()
            yield endpoint, int(children[-1]), directory


@pytest.fixture
def s3(server: tuple[str, int, Path]) -> "S3Client":
    aws.use(server[0])
    return staging.client("local", "local")


@pytest.fixture
def stored(s3: "S3Client") -> str:
    s3.put_object(Bucket="bucket", Key="large", Body=BODY)
    return "large"


def read(s3: "S3Client", key: str, wanted: str = "") -> bytes:
    extra = {"Range": f"bytes={wanted}"} if wanted else {}
    return s3.get_object(Bucket="bucket", Key=key, **extra)["Body"].read()  # type: ignore[arg-type]  # a str, and only Range


def test_a_large_object_is_read_as_it_was_written(s3: "S3Client", stored: str) -> None:
    assert len(BODY) > IN_MEMORY
    assert read(s3, stored) == BODY
    assert s3.head_object(Bucket="bucket", Key=stored)["ContentLength"] == len(BODY)


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("0-0", 0, 1),
        ("5-9000004", 5, 9000005),
        ("12582911-", 12582911, None),
        ("-3", -3, None),
        ("12582000-99999999", 12582000, None),
    ],
)
def test_ranges_of_a_large_object_are_its_bytes(
    s3: "S3Client", stored: str, wanted: str, start: int, end: int | None
) -> None:
    assert read(s3, stored, wanted) == BODY[start:end]


def test_a_range_behind_the_end_is_refused(s3: "S3Client", stored: str) -> None:
    with pytest.raises(ClientError, match="InvalidRange"):
        read(s3, stored, f"{len(BODY)}-")


def test_a_range_is_copied_into_an_object_that_outlives_its_source(
    s3: "S3Client", stored: str
) -> None:
    upload = s3.create_multipart_upload(Bucket="bucket", Key="copy")["UploadId"]
    etag = s3.upload_part_copy(
        Bucket="bucket",
        Key="copy",
        UploadId=upload,
        PartNumber=1,
        CopySource={"Bucket": "bucket", "Key": stored},
        CopySourceRange="bytes=7-11000006",
    )["CopyPartResult"]["ETag"]
    s3.complete_multipart_upload(
        Bucket="bucket",
        Key="copy",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]},
        IfNoneMatch="*",
    )
    s3.delete_object(Bucket="bucket", Key=stored)
    assert read(s3, "copy") == BODY[7:11000007]


def upload_parts(s3: "S3Client", key: str, *parts: bytes) -> tuple[str, list[str]]:
    upload = s3.create_multipart_upload(Bucket="bucket", Key=key)["UploadId"]
    return upload, [
        s3.upload_part(Bucket="bucket", Key=key, UploadId=upload, PartNumber=number, Body=part)[
            "ETag"
        ]
        for number, part in enumerate(parts, start=1)
    ]


def complete(s3: "S3Client", key: str, upload: str, etags: list[str]) -> str:
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, start=1)]
    return s3.complete_multipart_upload(
        Bucket="bucket",
        Key=key,
        UploadId=upload,
        MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]  # the parts are dicts
    )["ETag"]


def test_parts_large_and_small_become_one_object(s3: "S3Client") -> None:
    upload, etags = upload_parts(s3, "parts", BODY, BODY[: 6 * MIB], b"end")
    etag = complete(s3, "parts", upload, etags)
    assert etag.endswith('-3"')
    assert s3.head_object(Bucket="bucket", Key="parts")["ETag"] == etag
    whole = BODY + BODY[: 6 * MIB] + b"end"
    assert read(s3, "parts") == whole
    for start, end in ((7, 9), (5, len(BODY) + 5), (len(BODY) - 1, len(whole) - 1)):
        assert read(s3, "parts", f"{start}-{end}") == whole[start : end + 1]


def test_a_small_part_before_the_last_is_refused(s3: "S3Client") -> None:
    upload, etags = upload_parts(s3, "small", b"begin", BODY)
    with pytest.raises(ClientError, match="EntityTooSmall"):
        complete(s3, "small", upload, etags)


def test_a_part_with_another_etag_is_refused(s3: "S3Client") -> None:
    upload, (_, last) = upload_parts(s3, "other", BODY, BODY)
    with pytest.raises(ClientError, match="InvalidPart"):
        complete(s3, "other", upload, [last, last])


def test_a_stale_etag_finds_nothing(s3: "S3Client", stored: str) -> None:
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.get_object(Bucket="bucket", Key=stored, IfMatch='"stale"')


def test_memory_stays_small_and_no_file_is_left(server: tuple[str, int, Path]) -> None:
    endpoint, process, directory = server
    aws.use(endpoint)
    s3, size = staging.client(), 128 * MIB
    before = peak(process)
    url = staging.presign(s3, "bucket", "huge", size)
    assert staging.put(url, (os.urandom(MIB) for _ in range(128)), size).status == 200
    assert len(read(s3, "huge", f"{100 * MIB}-")) == 28 * MIB
    assert peak(process) - before < 32 * MIB
    assert list(directory.iterdir()) == []


def peak(process: int) -> int:
    """Return the most memory that the process has had so far, in bytes."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024

"""Whether an object is there as it was written."""

import base64
import hashlib
from typing import Any

import pytest

from archive.heads import _is_as_written

CONTENT = b"content"
DIGEST = hashlib.sha256(CONTENT).digest()


def stated(digest: bytes, parts: str = "") -> str:
    return base64.b64encode(digest).decode() + parts


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, True),
        ({"ChecksumCRC64NVME": "AAAAAAAAAAA=", "ChecksumType": "FULL_OBJECT"}, True),
        ({"ChecksumSHA256": stated(DIGEST)}, True),
        ({"ChecksumSHA256": stated(hashlib.sha256(DIGEST).digest(), "-1")}, True),
        ({"ChecksumSHA256": stated(b"another", "-2")}, True),  # of several parts: nothing follows
        ({"ChecksumSHA256": stated(b"another")}, False),
        ({"ChecksumSHA256": stated(b"another", "-1")}, False),
        ({"ContentLength": 8}, False),
        ({"ContentLength": 8, "ChecksumSHA256": stated(DIGEST)}, False),
    ],
)
def test_the_size_and_a_checksum_that_follows_from_the_digest_have_to_be_equal(
    answer: dict[str, Any], *, expected: bool
) -> None:
    said = {"ContentLength": len(CONTENT), **answer}
    assert _is_as_written(said, len(CONTENT), DIGEST.hex()) is expected

"""RLE frames: a header that says little, and must be right."""

from struct import pack

import pytest

from dicomweb.codestreams import differences
from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason
from tests.dicomweb.codestreams.bitstreams import described


def rle(*offsets: int, count: int | None = None, size: int = 100) -> bytes:
    number = len(offsets) if count is None else count
    header = pack("<16I", number, *offsets, *(0,) * (15 - len(offsets)))
    return header + bytes(size - len(header))


def test_the_header_says_how_many_segments_and_nothing_else() -> None:
    found = described(rle(64, 70, 80))

    assert found.transfer_syntax_uid == "1.2.840.10008.1.2.5"
    assert (found.image, found.segments, found.lossy_method) == (None, 3, None)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"SamplesPerPixel": 3, "BitsAllocated": 8}, []),
        ({"SamplesPerPixel": 1, "BitsAllocated": 24}, []),
        ({"SamplesPerPixel": 1, "BitsAllocated": 8}, ["SamplesPerPixel", "BitsAllocated"]),
        ({"SamplesPerPixel": 1}, []),
        ({"SamplesPerPixel": 3, "BitsAllocated": 8, "BitsStored": 9}, ["BitsStored"]),
        ({"SamplesPerPixel": 3, "BitsAllocated": 8, "HighBit": 8}, ["HighBit"]),
        ({"SamplesPerPixel": 1, "BitsAllocated": 0}, ["SamplesPerPixel", "BitsAllocated"]),
        ({}, []),
    ],
)
def test_segments_are_samples_times_bytes(
    attributes: dict[str, object], expected: list[str]
) -> None:
    assert differences(described(rle(64, 70, 80)), attributes) == expected


@pytest.mark.parametrize(
    "content",
    [
        rle(64, 64),
        rle(64, 80, 70),
        rle(64, 100),
        rle(64, 70, count=1),
        rle(64)[:63],
        rle(64)[:64],
    ],
)
def test_offsets_that_cannot_be_are_not_understood(content: bytes) -> None:
    with pytest.raises(InstanceRejected) as refusal:
        described(content)

    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND


@pytest.mark.parametrize("content", [rle(count=0), rle(64, count=16), rle(65)])
def test_what_has_no_such_header_is_not_taken_for_rle(content: bytes) -> None:
    with pytest.raises(InstanceRejected, match="for which there is no transfer syntax"):
        described(content)

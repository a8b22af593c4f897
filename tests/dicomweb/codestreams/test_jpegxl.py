"""JPEG XL headers that no coder at hand makes."""

import pytest

from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason
from tests.dicomweb.codestreams.bitstreams import box, described, file, image

SIGNATURE = box(b"JXL ", b"\r\n\x87\n")
SMALL = [(1, 1), (5, 5), (0, 3), (7, 5)]
"""48 rows and 64 columns, in eights."""
DEFAULT = [(1, 1)]
EIGHT_BITS = [(0, 1), (0, 2), (1, 1), (0, 2)]
"""Integers of 8 bits, 16 bits are enough for decoders, and no extra channels."""


def header(*fields: tuple[int, int]) -> bytes:
    """Return a codestream whose headers are these values, each of so many bits."""
    number = read = 0
    for value, count in fields:
        number |= value << read
        read += count
    return b"\xff\x0a" + number.to_bytes((read + 7) // 8, "little")


def test_without_metadata_an_image_has_8_bits_and_is_xyb() -> None:
    found = described(header(*SMALL, *DEFAULT))

    assert found.transfer_syntax_uid == "1.2.840.10008.1.2.4.112"
    assert image(header(*SMALL, *DEFAULT)).photometric_interpretation == "XYB"


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [
        (SMALL, 48, 64),
        ([(1, 1), (5, 5), (7, 3)], 48, 96),
        ([(0, 1), (0, 2), (99, 9), (0, 3), (1, 2), (999, 13)], 100, 1000),
        ([(0, 1), (2, 2), (59999, 18), (1, 3)], 60000, 60000),
        ([(0, 1), (3, 2), (119, 30), (2, 3)], 120, 144),
    ],
)
def test_a_size_is_in_eights_or_of_any_number_or_in_a_ratio(
    size: list[tuple[int, int]], rows: int, columns: int
) -> None:
    found = image(header(*size, *DEFAULT))

    assert (found.rows, found.columns) == (rows, columns)


def test_an_intrinsic_size_is_walked_over_and_16_bits_in_full_are_read() -> None:
    extra = [(1, 1), (0, 3), (1, 1), *SMALL, (0, 1), (0, 1)]
    bits = [(0, 1), (3, 2), (15, 6), (0, 1), (0, 2)]

    found = image(header(*SMALL, (0, 1), *extra, *bits, (0, 1), (0, 1), (0, 1), (1, 2)))

    assert (found.bits_stored, found.photometric_interpretation) == (16, "MONOCHROME2")


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ([*SMALL, (0, 1), (1, 1), (5, 3), (0, 3)], "rotated"),
        ([*SMALL, (0, 1), (1, 1), (0, 3), (0, 1), (1, 1), (0, 1)], "preview"),
        ([*SMALL, (0, 1), (0, 1), (1, 1)], "floating point"),
        (
            [*SMALL, (0, 1), (0, 1), *EIGHT_BITS, (0, 1), (0, 1), (0, 1), (2, 2), (1, 4)],
            "expected RGB or grey",
        ),
        ([(0, 1), (3, 2), (2**30 - 1, 30), (1, 3), (1, 1)], "1073741824 rows"),
    ],
)
def test_what_dicom_has_no_attributes_for_is_refused(
    fields: list[tuple[int, int]], found: str
) -> None:
    with pytest.raises(InstanceRejected, match=found) as refusal:
        described(header(*fields))

    assert refusal.value.reason == FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\xff\x0a", "end of the JPEG XL headers"),
        (header(*SMALL), "end of the JPEG XL headers"),
        (SIGNATURE + box(b"ftyp", b"jxl "), "boxes without a codestream, expected one"),
        (SIGNATURE + box(b"jxlc", b"\xff\xd8"), "boxes without a codestream, expected one"),
    ],
)
def test_a_broken_header_is_not_understood(content: bytes, found: str) -> None:
    with pytest.raises(InstanceRejected, match=found) as refusal:
        described(content)

    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND


def test_a_codestream_in_parts_is_read_across_them_and_kept_in_its_boxes() -> None:
    whole = header(*SMALL, *DEFAULT)
    parts = [box(b"jxlp", bytes(4), whole[:3]), box(b"jxlp", b"\x80\0\0\1", whole[3:])]
    content = SIGNATURE + b"".join(parts)

    assert image(content).rows == 48
    assert described(content).content == content


def test_a_box_that_rebuilds_a_jpeg_makes_it_recompressed() -> None:
    assert b"jbrd" in file("recompressed.jxl")
    assert described(file("recompressed.jxl")).lossy_method == "ISO_10918_1"

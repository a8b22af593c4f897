"""JPEG 2000 and HTJ2K headers, and the boxes around them."""

from struct import pack

import pytest

from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason
from tests.dicomweb.codestreams.bitstreams import box, described, image, jpeg_2000, segment

ROOT = "1.2.840.10008.1.2.4."
THREE = b"\7\1\1" * 3
SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
CAP = segment(0x50, pack(">IH", 0x20000, 0))
TLM = segment(0x55, bytes(6))
HT = 0x4000


def cod(
    *, progression: int = 2, mct: int = 0, levels: int = 1, block: int = 4, kernel: int = 1
) -> bytes:
    return bytes((0, progression, 0, 1, mct, levels, block, block, 0x40, kernel))


@pytest.mark.parametrize(
    ("components", "kernel", "mct", "uid", "colour"),
    [
        (b"\7\1\1", 1, 0, "90", "MONOCHROME2"),
        (b"\7\1\1", 0, 0, "91", "MONOCHROME2"),
        (THREE, 1, 1, "90", "YBR_RCT"),
        (THREE, 0, 1, "91", "YBR_ICT"),
        (THREE, 1, 0, "90", "RGB"),
    ],
)
def test_transformations_choose_the_transfer_syntax_and_the_colour(
    components: bytes, kernel: int, mct: int, uid: str, colour: str
) -> None:
    found = described(jpeg_2000(components=components, cod=cod(kernel=kernel, mct=mct)))

    assert found.transfer_syntax_uid == ROOT + uid
    assert found.image is not None
    assert found.image.photometric_interpretation == colour
    assert ("PhotometricInterpretation" not in found.silent) == (mct == 1)
    assert found.lossy_method == (None if kernel else "ISO_15444_1")


@pytest.mark.parametrize(
    ("depth", "allocated", "stored", "signed"),
    [(0x00, 8, 1, 0), (0x87, 8, 8, 1), (0x0B, 16, 12, 0), (0x97, 24, 24, 1), (0x25, 40, 38, 0)],
)
def test_depth_and_sign_are_those_of_the_components(
    depth: int, allocated: int, stored: int, signed: int
) -> None:
    found = image(jpeg_2000(components=bytes((depth, 1, 1))))

    assert (found.bits_allocated, found.bits_stored) == (allocated, stored)
    assert (found.high_bit, found.pixel_representation) == (stored - 1, signed)


def test_the_image_is_what_is_right_of_and_below_its_offset() -> None:
    found = image(jpeg_2000(area=(107, 205, 100, 200)))

    assert (found.columns, found.rows) == (7, 5)


@pytest.mark.parametrize(("number", "index"), [(1, b"\0"), (3, b"\1")])
def test_one_component_of_9_7_makes_it_lossy(number: int, index: bytes) -> None:
    own = segment(0x53, index + bytes((0, 1, 4, 4, 0, 0)))

    assert described(jpeg_2000(own, components=b"\7\1\1" * number)).lossy_method == "ISO_15444_1"


@pytest.mark.parametrize(
    ("more", "values", "size", "uid"),
    [
        ([CAP, TLM], {}, {}, "202"),
        ([CAP], {}, {}, "201"),
        ([CAP, TLM], {"progression": 0}, {}, "201"),
        ([CAP, TLM], {"block": 3}, {}, "201"),
        ([CAP, TLM], {}, {"tiles": (4, 64, 0, 0)}, "201"),
        ([CAP, TLM], {}, {"tiles": (64, 4, 0, 0)}, "201"),
        ([CAP, TLM], {"levels": 1}, {"area": (129, 1000, 0, 0), "tiles": (1000,) * 2}, "201"),
        ([CAP, TLM], {"levels": 1}, {"area": (128, 1000, 0, 0), "tiles": (1000,) * 2}, "202"),
        ([CAP, TLM], {"kernel": 0}, {}, "203"),
    ],
)
def test_high_throughput_is_told_by_its_progression_and_transformation(
    more: list[bytes],
    values: dict[str, int],
    size: dict[str, tuple[int, ...]],
    uid: str,
) -> None:
    area = (*size.get("area", (7, 5, 0, 0)),)
    tiles = (*size.get("tiles", (64, 64)), 0, 0)[:4]
    content = jpeg_2000(
        *more,
        rsiz=HT,
        cod=cod(**values),
        area=(area[0], area[1], area[2], area[3]),
        tiles=(tiles[0], tiles[1], tiles[2], tiles[3]),
    )

    found = described(content)

    assert found.transfer_syntax_uid == ROOT + uid
    assert found.lossy_method == ("ISO_15444_15" if uid == "203" else None)


def colour_box(space: int, method: int = 1) -> bytes:
    return box(b"colr", pack(">BBBI", method, 0, 0, space))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (box(b"jp2h", colour_box(16)), "RGB"),
        (box(b"jp2h", colour_box(18)), "YBR_FULL"),
        (box(b"jp2h", colour_box(18, method=2)), "RGB"),
        (box(b"jp2h", box(b"ihdr", bytes(14))), "RGB"),
        (box(b"ftyp", b"jp2 \0\0\0\0jp2 "), "RGB"),
    ],
)
def test_boxes_are_stripped_and_their_colour_space_is_kept(header: bytes, expected: str) -> None:
    inside = jpeg_2000(components=THREE)

    found = described(SIGNATURE + header + box(b"jp2c", inside) + box(b"uuid", bytes(16)))

    assert found.content == inside
    assert found.image is not None
    assert found.image.photometric_interpretation == expected


@pytest.mark.parametrize("size", [pack(">I4s", 0, b"jp2c"), None])
def test_the_last_box_may_go_to_the_end_and_a_long_one_has_64_bits(size: bytes | None) -> None:
    inside = jpeg_2000()
    header = size or pack(">I4sQ", 1, b"jp2c", 16 + len(inside))

    assert described(SIGNATURE + header + inside).content == inside


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (jpeg_2000(rsiz=0x8000), "Part 2"),
        (jpeg_2000(segment(0x50, bytes(6)), rsiz=HT), "expected Part 1 or Part 15"),
        (jpeg_2000(components=b""), "components of different depth"),
        (jpeg_2000(components=b"\7\1\1\7\2\2\7\2\2"), "components of different depth"),
        (jpeg_2000(components=b"\7\1\1\7\1\1\x0b\1\1"), "components of different depth"),
        (jpeg_2000(components=b"\x26\1\1"), "more than 38 bits"),
        (jpeg_2000(components=b"\7\1\1" * 4), "4 JPEG 2000 components"),
        (jpeg_2000(cod=cod(kernel=2)), "expected 5-3 or 9-7"),
        (jpeg_2000(area=(65536, 1, 0, 0)), "65536 columns"),
        (jpeg_2000(area=(1, 1, 0, 2)), "-1 rows"),
        (SIGNATURE + box(b"jp2h", box(b"pclr", bytes(4))), "palette"),
    ],
)
def test_a_jpeg_2000_image_that_dicom_cannot_hold_is_refused(content: bytes, found: str) -> None:
    with pytest.raises(InstanceRejected, match=found) as refusal:
        described(content)

    assert refusal.value.reason == FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (jpeg_2000(rsiz=HT), "no JPEG 2000 segment FF50"),
        (jpeg_2000()[:45] + b"\xff\x90", "no JPEG 2000 segment FF52"),
        (b"\xff\x4f\xff\x51\0\1", "no JPEG 2000 marker segment at byte 2"),
        (b"\xff\x4f\xff\x51\0\4ab\xff\x00\0\4", "no JPEG 2000 marker segment at byte 8"),
        (jpeg_2000(cod=b"\0\0"), "end inside a field"),
        (SIGNATURE, "no codestream"),
        (SIGNATURE + b"\0\0\0\x09jp2c", "does not fit"),
        (SIGNATURE + b"\0\0\0\x07jp2c", "does not fit"),
        (SIGNATURE + b"\0\0\0\1jp2c" + bytes(8), "does not fit"),
        (SIGNATURE + b"\0\0\0\x09", "end inside a field"),
    ],
)
def test_a_broken_jpeg_2000_image_is_not_understood(content: bytes, found: str) -> None:
    with pytest.raises(InstanceRejected, match=found) as refusal:
        described(content)

    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND

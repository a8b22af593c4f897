"""JPEG and JPEG-LS headers that no coder at hand makes."""

import pytest

from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason
from tests.dicomweb.codestreams.bitstreams import described, image, jpeg, segment

ROOT = "1.2.840.10008.1.2.4."
THREE = b"\1\x11\0\2\x11\0\3\x11\0"
SUBSAMPLED = b"\1\x22\0\2\x11\0\3\x11\0"
NAMED = b"R\x11\0G\x11\0B\x11\0"
JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
ADOBE_RGB = segment(0xEE, b"Adobe\0\x64\0\0\0\0\0")
ADOBE_YCC = segment(0xEE, b"Adobe\0\x64\0\0\0\0\1")


@pytest.mark.parametrize(
    ("process", "bits", "predictor", "uid", "method"),
    [
        (0xC0, 8, 0, "50", "ISO_10918_1"),
        (0xC1, 8, 0, "51", "ISO_10918_1"),
        (0xC1, 12, 0, "51", "ISO_10918_1"),
        (0xC3, 2, 1, "70", None),
        (0xC3, 16, 7, "57", None),
        (0xF7, 16, 0, "80", None),
        (0xF7, 12, 3, "81", "ISO_14495_1"),
    ],
)
def test_process_predictor_and_near_choose_the_transfer_syntax(
    process: int, bits: int, predictor: int, uid: str, method: str | None
) -> None:
    found = described(jpeg(process=process, bits=bits, predictor=predictor))

    assert (found.transfer_syntax_uid, found.lossy_method) == (ROOT + uid, method)
    assert found.image is not None
    assert (found.image.rows, found.image.columns, found.image.bits_stored) == (3, 5, bits)
    assert found.image.bits_allocated == (8 if bits <= 8 else 16)


@pytest.mark.parametrize(
    ("before", "components", "expected", "known"),
    [
        ([JFIF], THREE, "YBR_FULL", False),
        ([JFIF], SUBSAMPLED, "YBR_FULL_422", False),
        ([JFIF, ADOBE_RGB], THREE, "YBR_FULL", False),
        ([JFIF, ADOBE_YCC], THREE, "YBR_FULL", True),
        ([JFIF], NAMED, "YBR_FULL", False),
        ([ADOBE_RGB], THREE, "RGB", True),
        ([ADOBE_YCC], NAMED, "YBR_FULL", True),
        ([], NAMED, "RGB", True),
        ([], SUBSAMPLED, "YBR_FULL_422", False),
        ([segment(0xEE, b"Adobe\0\x64")], THREE, "YBR_FULL", False),
        ([segment(0xE0, b"AVI1\0")], THREE, "YBR_FULL", False),
        ([], b"\1\x11\0", "MONOCHROME2", False),
    ],
)
def test_colour_is_what_jfif_adobe_and_the_component_ids_say(
    before: list[bytes], components: bytes, expected: str, known: bool
) -> None:
    found = described(jpeg(*before, components=components))

    assert found.image is not None
    assert found.image.photometric_interpretation == expected
    assert ("PhotometricInterpretation" not in found.silent) == known


@pytest.mark.parametrize("process", [0xC3, 0xF7])
def test_lossless_colour_is_rgb_but_the_sender_may_know_better(process: int) -> None:
    found = described(jpeg(JFIF, process=process, components=THREE))

    assert found.image is not None
    assert found.image.photometric_interpretation == "RGB"
    assert "PhotometricInterpretation" in found.silent


def test_headers_of_more_than_16_kb_fill_bytes_and_bare_markers_are_walked_over() -> None:
    previews = [segment(0xE1, bytes(60_000)), segment(0xE2, b"\xff\xda" * 20_000)]
    oddities = [b"\xff" * 9 + segment(0xFE, b"comment"), b"\xff\x01\xff\xd0"]

    assert image(jpeg(*previews, *oddities)).rows == 3


def test_the_first_frame_header_counts() -> None:
    second = segment(0xC0, b"\x08\0\1\0\1\1\1\x11\0")

    assert image(jpeg()[:-14] + second + jpeg()[-14:]).rows == 3


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (jpeg(process=0xC2), "progressive"),
        (jpeg(process=0xC9), "SOF9"),
        (jpeg(components=b"\1\x11\0\2\x11\0"), "2 JPEG components"),
        (jpeg(components=b"\1\x11\0" * 4), "4 JPEG components"),
        (jpeg(size=(0, 5)), "0 rows"),
        (jpeg(size=(3, 0)), "0 columns"),
    ],
)
def test_a_jpeg_that_dicom_cannot_hold_is_refused(content: bytes, found: str) -> None:
    with pytest.raises(InstanceRejected, match=found) as refusal:
        described(content)

    assert refusal.value.reason == FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (jpeg(bits=12), "12 bits"),
        (jpeg(process=0xC1, bits=9), "9 bits"),
        (jpeg(process=0xF7, bits=1), "1 bits"),
        (b"\xff\xd8\xff\xd9", "before any scan"),
        (b"\xff\xd8" + segment(0xDA, b"\0\0\0\0"), "no JPEG frame header"),
        (b"\xff\xd8\0", "no JPEG marker at byte 2"),
        (b"\xff\xd8\xff\xe0\0\0", "no JPEG marker at byte 4"),
        (b"\xff\xd8\xff\xe0\0\3", "its end inside a field"),
        (b"\xff\xd8", "no JPEG marker at byte 2"),
        (b"\xff\xd8" + segment(0xC0, b"\x08\0\1\0\1\3\1\x11\0") + segment(0xDA, bytes(4)), "end"),
    ],
)
def test_a_broken_jpeg_is_not_understood(content: bytes, found: str) -> None:
    with pytest.raises(InstanceRejected, match=found) as refusal:
        described(content)

    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND

"""What is found by the bits, and how it compares to what a sender says."""

from io import BytesIO

import pytest
from PIL import Image
from pydicom.dataset import Dataset

from dicomweb.codestreams import MEDIA_TYPES, Cine, describe, differences
from dicomweb.errors import InstanceRejected
from dicomweb.metadata.budget import Budget
from dicomweb.reasons import FailureReason
from tests.dicomweb.codestreams.bitstreams import described, file, jpeg

JFIF = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
COLOUR = jpeg(JFIF, components=b"\1\x11\0\2\x11\0\3\x11\0")


@pytest.mark.parametrize("media_type", sorted(MEDIA_TYPES))
def test_the_bits_decide_whatever_the_media_type(media_type: str) -> None:
    assert described(jpeg(), media_type).transfer_syntax_uid == "1.2.840.10008.1.2.4.50"


@pytest.mark.parametrize("content", [b"", b"\0", b"\1", b"\0\0\0", b"GIF", bytes(200)])
def test_bits_of_no_coding_are_not_understood_under_a_known_media_type(content: bytes) -> None:
    with pytest.raises(
        InstanceRejected, match="content in another format, expected image/jpeg"
    ) as refusal:
        described(content, "image/jpeg")

    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND


@pytest.mark.parametrize("media_type", ["image/tiff", "image/avif", "video/x-msvideo"])
def test_a_coding_of_another_name_has_no_transfer_syntax(media_type: str) -> None:
    with pytest.raises(InstanceRejected, match=media_type) as refusal:
        described(b"II*\0", media_type)

    assert refusal.value.reason == FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED


@pytest.mark.parametrize("start", [b"\0\0\1\x67", b"\0\0\0\1\x67", b"\0\0\1\x40\1"])
def test_a_raw_video_stream_is_refused_by_its_start_code(start: bytes) -> None:
    with pytest.raises(InstanceRejected, match="raw video stream") as refusal:
        described(start + bytes(99), "video/h265")

    assert refusal.value.reason == FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"Rows": 3, "Columns": 5, "SamplesPerPixel": 3, "BitsStored": 8, "HighBit": 7}, []),
        ({"Rows": 4, "Columns": 5}, ["Rows"]),
        ({"Rows": None, "PhotometricInterpretation": ""}, []),
        ({"BitsAllocated": 16}, []),
        ({"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}, []),
        ({"BitsAllocated": "8"}, []),
        ({"BitsAllocated": 16, "BitsStored": 12, "HighBit": 15}, []),
        ({"BitsAllocated": 16, "BitsStored": 17, "HighBit": 16}, ["BitsStored", "HighBit"]),
        ({"BitsAllocated": 16, "BitsStored": 0, "HighBit": 15}, ["BitsStored"]),
        ({"BitsStored": 12, "HighBit": 11}, []),
        ({"BitsAllocated": 0}, ["BitsAllocated"]),
        ({"BitsStored": 0}, ["BitsStored"]),
        ({"BitsStored": 65535}, ["BitsStored"]),
        ({"BitsStored": 64, "HighBit": 63}, []),
        ({"HighBit": 65535}, ["HighBit"]),
        ({"PhotometricInterpretation": "YBR_FULL_422"}, []),
        ({"PhotometricInterpretation": "YBR_FULL"}, []),
        ({"PhotometricInterpretation": "RGB"}, []),
        *(
            ({"PhotometricInterpretation": colour}, ["PhotometricInterpretation"])
            for colour in ("MONOCHROME2", "PALETTE COLOR", "YBR_RCT", "YBR_ICT")
        ),
        ({"PixelRepresentation": 1, "PlanarConfiguration": 1}, []),
        ({"SamplesPerPixel": 1, "BitsStored": 12, "HighBit": 11}, ["SamplesPerPixel"]),
    ],
)
def test_differences_are_what_the_bits_contradict(
    sent: dict[str, object], expected: list[str]
) -> None:
    data_set = Dataset()
    data_set.Modality = "OT"

    assert differences(described(COLOUR), sent) == expected
    assert differences(described(COLOUR), data_set) == []


def test_attributes_are_named_by_keyword_and_monochrome_has_no_planar_configuration() -> None:
    found = described(jpeg()).image

    assert found is not None
    assert found.attributes() == {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": 3,
        "Columns": 5,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
    }


@pytest.mark.parametrize(
    ("frame_time", "expected"), [(40.0, 25), (33.366667, 30), (5000.0, 1), (None, None)]
)
def test_cine_rate_is_whole_and_never_0(frame_time: float | None, expected: int | None) -> None:
    assert Cine(number_of_frames=2, frame_time=frame_time).cine_rate == expected


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_images_that_unfold_are_held_to_what_is_left(kind: str) -> None:
    stream = BytesIO()
    Image.new("L", (4, 3)).save(stream, kind)
    content = memoryview(stream.getvalue())

    # The pixels, and what stands for the time of three chunks or of a GIF image and its data.
    size = 4 * 3 + 3 * 256 if kind == "PNG" else 4 * 3 * 3 + 2 * 256
    assert describe("image/png", content, take=Budget(size).take).image is not None
    with pytest.raises(InstanceRejected) as refusal:
        describe("image/png", content, take=Budget(size - 1).take)
    assert refusal.value.reason == FailureReason.OUT_OF_RESOURCES


def test_the_content_of_a_video_is_not_copied() -> None:
    content = file("high41.mp4")

    assert described(content).content.obj is content

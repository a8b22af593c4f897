"""Pixel data from parts: what is checked, what is added, and what is written."""

import io
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from PIL import Image
from pydicom import DataElement, Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames

from dicomweb.codestreams import Codestream, describe
from dicomweb.codestreams.gif import blocks
from dicomweb.codestreams.rendered import Take
from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import InstanceRejected
from dicomweb.metadata import pixeldata
from dicomweb.metadata.budget import Budget
from dicomweb.metadata.pixeldata import Reader, set_inline_pixel_data
from dicomweb.reasons import FailureReason
from tests.dicomweb.codestreams.bitstreams import file

EXPLICIT = "1.2.840.10008.1.2.1"
BASELINE = "1.2.840.10008.1.2.4.50"
GREY_16: dict[str, Any] = {
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "Rows": 2,
    "Columns": 2,
    "BitsAllocated": 16,
    "BitsStored": 16,
    "HighBit": 15,
    "PixelRepresentation": 0,
}
GREY_8 = GREY_16 | {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
MISMATCH = FailureReason.DATA_SET_DOES_NOT_MATCH_SOP_CLASS


def made(vr: str = "OW", **attributes: object) -> Dataset:
    data_set = Dataset()
    for keyword, value in attributes.items():
        if keyword == "NumberOfFrames":  # as metadata has it: text
            data_set[0x00280008] = DataElement(0x00280008, "UT", str(value))
            data_set[0x00280008].VR = "IS"
        else:
            setattr(data_set, keyword, value)
    data_set[0x7FE00010] = DataElement(0x7FE00010, vr, None)
    return data_set


_NUMBERS = count(1)


def part(content: bytes, media_type: str = "application/octet-stream") -> BodyPart:
    headers = {"content-type": media_type}
    return BodyPart(number=next(_NUMBERS), headers=headers, content=memoryview(content))


def given(data_set: Dataset, *parts: BodyPart) -> str:
    return Reader(Budget(10_000_000)).set_pixel_data(data_set, parts)


def refused(data_set: Dataset, *parts: BodyPart) -> tuple[FailureReason, str]:
    with pytest.raises(InstanceRejected) as refusal:
        given(data_set, *parts)
    return refusal.value.reason, str(refusal.value)


def jpeg(mode: str = "RGB", size: tuple[int, int] = (16, 16), shade: int = 90) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size, shade).save(stream, "JPEG")
    return stream.getvalue()


def gif(durations: Sequence[int]) -> bytes:
    stream = io.BytesIO()
    shades = [Image.frombytes("P", (2, 2), bytes([number] * 4)) for number in range(len(durations))]
    for shade in shades:
        shade.putpalette([40 * n % 256 for n in range(768)])
    shades[0].save(stream, "GIF", save_all=True, append_images=shades[1:], duration=list(durations))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("image", "vr", "written"),
    [(GREY_16, "OB", "OW"), (GREY_16, "UN", "OW"), (GREY_8, "OW", "OW"), (GREY_8, "UN", "OB")],
)
def test_uncompressed_pixel_data_has_the_vr_of_its_samples(
    image: dict[str, Any], vr: str, written: str
) -> None:
    data_set = made(vr, **image)
    assert given(data_set, part(bytes(8))) == EXPLICIT
    found = data_set["PixelData"]
    assert (found.VR, found.value) == (written, bytes(8))


@pytest.mark.parametrize("keyword", GREY_16)
def test_uncompressed_pixel_data_must_be_described(keyword: str) -> None:
    data_set = made(**GREY_16)
    delattr(data_set, keyword)
    reason, text = refused(data_set, part(bytes(8)))
    assert reason == MISMATCH
    assert keyword in text


def test_colour_must_say_how_its_samples_are_laid_out() -> None:
    colour: dict[str, Any] = GREY_8 | {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}
    assert "PlanarConfiguration" in refused(made(**colour), part(bytes(12)))[1]
    assert given(made(**colour, PlanarConfiguration=1), part(bytes(12))) == EXPLICIT


def test_a_description_of_another_vr_is_none() -> None:
    data_set = made(**GREY_16)
    data_set[0x00280010] = DataElement(0x00280010, "LO", "2")
    assert refused(data_set, part(bytes(8)))[0] == MISMATCH


def test_uncompressed_frames_are_joined_and_counted() -> None:
    data_set = made(**GREY_16)
    given(data_set, part(bytes(8)), part(b"\1" * 8))
    assert data_set.NumberOfFrames == 2
    assert data_set.PixelData == bytes(8) + b"\1" * 8


def test_frames_that_are_not_whole_bytes_are_not_joined() -> None:
    one_bit = GREY_8 | {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}
    assert given(made(**one_bit), part(bytes(2))) == EXPLICIT
    reason, _ = refused(made(**one_bit), part(bytes(1)), part(bytes(1)))
    assert reason == FailureReason.CANNOT_UNDERSTAND


def test_octets_may_be_of_a_transfer_syntax() -> None:
    data_set = made()
    octets = f"application/octet-stream; transfer-syntax={BASELINE}"
    assert given(data_set, part(jpeg(), octets)) == BASELINE
    assert data_set.Rows == 16


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ({"Rows": 17}, "Rows"),
        ({"PhotometricInterpretation": "MONOCHROME2"}, "PhotometricInterpretation"),
        ({"BitsAllocated": 8, "BitsStored": 12, "HighBit": 11}, "BitsStored, HighBit"),
        ({"BitsAllocated": 0}, "BitsAllocated"),
        ({"BitsStored": 0}, "BitsStored"),
        ({"BitsStored": 65535}, "BitsStored"),
        ({"HighBit": 65535}, "HighBit"),
        ({"NumberOfFrames": "1.5"}, "1 frames"),
        ({"NumberOfFrames": 2}, "1 frames"),
        ({"LossyImageCompression": "00"}, "Lossy Image Compression 00"),
    ],
)
def test_what_the_bits_contradict_is_refused(attributes: dict[str, Any], named: str) -> None:
    reason, text = refused(made(**attributes), part(jpeg(), "image/jpeg"))
    assert reason == MISMATCH
    assert named in text


def test_what_the_sender_says_of_earlier_compression_is_kept() -> None:
    data_set = made(
        LossyImageCompression="01",
        LossyImageCompressionMethod="ISO_15444_1",
        LossyImageCompressionRatio="7",
    )
    given(data_set, part(jpeg(), "image/jpeg"))
    assert data_set.LossyImageCompressionMethod == "ISO_15444_1"
    assert data_set.LossyImageCompressionRatio == 7


def test_a_ratio_that_the_sender_gives_is_kept() -> None:
    data_set = made(LossyImageCompressionRatio="7")
    given(data_set, part(jpeg(), "image/jpeg"))
    assert data_set.LossyImageCompressionRatio == 7
    assert data_set.LossyImageCompressionMethod == "ISO_10918_1"


def test_the_ratio_counts_all_frames() -> None:
    sent = jpeg()
    data_set = made()
    given(data_set, part(sent, "image/jpeg"), part(sent, "image/jpeg"))
    assert float(data_set.LossyImageCompressionRatio) == round(16 * 16 * 3 / len(sent), 2)
    assert data_set.NumberOfFrames == 2


@pytest.mark.parametrize("second", [jpeg(size=(8, 8)), file("lossless.jls")])
def test_frames_that_differ_are_refused(second: bytes) -> None:
    parts = part(jpeg(), "image/jpeg"), part(second, "image/jpeg")
    reason, text = refused(made(), *parts)
    assert reason == FailureReason.CANNOT_UNDERSTAND
    assert "differ" in text


def test_compressed_frames_are_fragments_without_an_offset_table() -> None:
    data_set = made(NumberOfFrames=2)
    frames = [jpeg(shade=1), jpeg(shade=200)]
    given(data_set, *(part(frame, "image/jpeg") for frame in frames))
    assert data_set.PixelData.startswith(b"\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0")
    assert data_set["PixelData"].is_undefined_length
    assert data_set["PixelData"].VR == "OB"
    kept = generate_frames(data_set.PixelData, number_of_frames=2)
    assert [frame.rstrip(b"\0") for frame in kept] == frames


@pytest.mark.parametrize(
    ("name", "declared", "expected"),
    [
        ("reversible.j2k", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.91"),
        ("reversible.j2k", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.90"),
        ("reversible.j2k", BASELINE, "1.2.840.10008.1.2.4.90"),
        ("irreversible.j2k", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"),
        ("reversible.jhc", "1.2.840.10008.1.2.4.203", "1.2.840.10008.1.2.4.203"),
    ],
)
def test_the_sender_may_promise_less_than_the_bits(name: str, declared: str, expected: str) -> None:
    sent = part(file(name), f"image/jp2; transfer-syntax={declared}")
    assert given(made(), sent) == expected


def test_rle_says_only_how_many_segments_it_has() -> None:
    original = dcmread(str(get_testdata_file("MR_small_RLE.dcm")))
    frame = part(next(generate_frames(original.PixelData)), "image/dicom-rle")
    image = {keyword: original[keyword].value for keyword in GREY_16}
    assert given(made(**image), frame) == "1.2.840.10008.1.2.5"
    reason, text = refused(made(**image | {"BitsAllocated": 8}), frame)
    assert reason == MISMATCH
    assert "BitsAllocated" in text


@pytest.mark.parametrize("media_type", ["image/jls", "image/x-jls", "image/jphc"])
def test_not_every_type_may_leave_the_description_out(media_type: str) -> None:
    reason, text = refused(made(), part(file("lossless.jls"), media_type))
    assert reason == MISMATCH
    assert "Rows" in text


def test_a_gif_of_one_tempo_has_a_frame_time() -> None:
    data_set = made()
    assert given(data_set, part(gif([50, 50, 50]), "image/gif")) == EXPLICIT
    assert data_set.NumberOfFrames == 3
    assert data_set.FrameTime == 50
    assert data_set.FrameIncrementPointer == 0x00181063
    assert data_set.CineRate == 20
    assert len(data_set.PixelData) == 3 * 2 * 2 * 3


def test_a_gif_of_changing_tempo_has_a_vector_of_them() -> None:
    data_set = made()
    given(data_set, part(gif([50, 70, 90]), "image/gif"))
    assert list(data_set.FrameTimeVector) == [0, 50, 70]
    assert data_set.FrameIncrementPointer == 0x00181065
    assert "CineRate" not in data_set


def test_decoded_pixels_take_of_the_room_one_part_after_another() -> None:
    parts = [part(gif([0]), "image/gif")] * 3
    room = (2 * 2 * 3 + 256 * len(list(blocks(memoryview(parts[0].content))))) * 3
    budget = Budget(room)
    Reader(budget).set_pixel_data(made(), parts)
    assert budget.left == 0
    with pytest.raises(InstanceRejected) as refusal:
        Reader(Budget(room - 1)).set_pixel_data(made(), parts)
    assert refusal.value.reason == FailureReason.OUT_OF_RESOURCES


def test_what_a_part_is_is_found_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    described: list[bytes] = []

    def counted(media_type: str, content: memoryview, *, take: Take) -> Codestream:
        described.append(bytes(content))
        return describe(media_type, content, take=take)

    monkeypatch.setattr(pixeldata, "describe", counted)
    reader = Reader(Budget(1000))
    good, bad = part(jpeg(), "image/jpeg"), part(b"\xff\xd8", "image/jpeg")
    for _ in range(3):
        reader.set_pixel_data(made(), [good])
        with pytest.raises(InstanceRejected, match="no JPEG marker"):
            reader.set_pixel_data(made(), [bad])
    assert described == [jpeg(), b"\xff\xd8"]


def test_pixels_are_taken_from_the_budget_whenever_they_are_decoded() -> None:
    picture = part(gif([0]), "image/gif")
    budget = Budget((2 * 2 * 3 + 256 * len(list(blocks(memoryview(picture.content))))) * 2)
    reader = Reader(budget)
    reader.set_pixel_data(made(), [picture])
    reader.set_pixel_data(made(), [picture])
    assert budget.left == 0


def test_a_gif_without_times_has_none() -> None:
    data_set = made()
    given(data_set, part(gif([0, 0]), "image/gif"))
    assert data_set.NumberOfFrames == 2
    assert "FrameIncrementPointer" not in data_set


def test_the_times_that_the_sender_gives_are_kept() -> None:
    data_set = made(FrameIncrementPointer=0x00181063, FrameTime="33")
    given(data_set, part(gif([50, 50]), "image/gif"))
    assert data_set.FrameTime == 33
    data_set = made(CineRate=7)
    given(data_set, part(gif([50, 50]), "image/gif"))
    assert (data_set.CineRate, data_set.FrameTime) == (7, 50)


def test_several_animations_have_no_common_tempo() -> None:
    data_set = made()
    given(data_set, part(gif([50, 50]), "image/gif"), part(gif([50, 50]), "image/gif"))
    assert data_set.NumberOfFrames == 4
    assert "FrameTime" not in data_set


@pytest.mark.parametrize("name", ["high41.mp4", "main.hevc.mp4", "mpeg2.m2v"])
def test_a_video_counts_and_times_its_frames(name: str) -> None:
    data_set = made()
    given(data_set, part(file(name), "video/mp4"))
    assert data_set.NumberOfFrames > 1
    assert 1000 / data_set.FrameTime == pytest.approx(data_set.CineRate, rel=0.05)
    assert data_set.LossyImageCompression == "01"


def test_inline_pixel_data_must_be_described_too() -> None:
    data_set = made(**GREY_16)
    data_set.PixelData = bytes(8)
    data_set["PixelData"].VR = "OB"
    set_inline_pixel_data(data_set)
    assert data_set["PixelData"].VR == "OW"
    del data_set.Rows
    with pytest.raises(InstanceRejected, match="without Rows"):
        set_inline_pixel_data(data_set)


def test_pixel_data_that_is_text_is_refused() -> None:
    data_set = made("LT", **GREY_16)
    data_set["PixelData"].value = "text"
    with pytest.raises(InstanceRejected) as refusal:
        set_inline_pixel_data(data_set)
    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND

"""What coders in use make, file by file (files/README.md)."""

import pytest

from dicomweb.codestreams import Cine
from dicomweb.codestreams.h264 import read_sequence
from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason
from tests.dicomweb.codestreams.bitstreams import FILES, NAMES, described, file

MONO = (1, "MONOCHROME2", 48, 64)
SMALL = (3, "YBR_PARTIAL_420", 0, 48, 64, 8, 8, 7, 0)
IMAGES = {
    "colour.jxl": ("110", (3, "RGB", 0, 48, 64, 8, 8, 7, 0), None),
    "irreversible.j2k": ("91", (3, "YBR_ICT", 0, 48, 64, 8, 8, 7, 0), "ISO_15444_1"),
    "irreversible.jhc": ("203", (3, "YBR_ICT", 0, 48, 64, 8, 8, 7, 0), "ISO_15444_15"),
    "lossless.jls": ("80", (*MONO, 16, 16, 15, 0), None),
    "lossless.jxl": ("110", (*MONO, 16, 12, 11, 0), None),
    "lossy.jxl": ("112", (3, "XYB", 0, 48, 64, 8, 8, 7, 0), "ISO_18181_1"),
    "recompressed.jxl": ("111", (3, "YBR_FULL", 0, 48, 64, 8, 8, 7, 0), "ISO_10918_1"),
    "lossless.jpg": ("57", (*MONO, 16, 12, 11, 0), None),
    "near2.jls": ("81", (3, "RGB", 0, 48, 64, 8, 8, 7, 0), "ISO_14495_1"),
    "reversible.j2k": ("90", (*MONO, 16, 16, 15, 0), None),
    "reversible.jhc": ("201", (*MONO, 16, 16, 15, 0), None),
    "reversible.jp2": ("90", (3, "YBR_RCT", 0, 48, 64, 8, 8, 7, 0), None),
    "rpcl.jhc": ("202", (*MONO, 16, 16, 15, 0), None),
}
HEVC = (3, "YBR_PARTIAL_420", 0, 50, 66)
FIVE, THREE = (
    Cine(number_of_frames=5, frame_time=40),
    Cine(number_of_frames=3, frame_time=33.366667),
)
VIDEOS = {
    "bluray.mp4": (
        "103",
        (3, "YBR_PARTIAL_420", 0, 720, 1280, 8, 8, 7, 0),
        "ISO_14496_10",
        Cine(number_of_frames=1, frame_time=20),
    ),
    "high41.mov": ("102", SMALL, "ISO_14496_10", FIVE),
    "high41.mp4": ("102", SMALL, "ISO_14496_10", FIVE),
    "high42.mp4": ("104", SMALL, "ISO_14496_10", FIVE),
    "interlaced.mp4": ("102", SMALL, "ISO_14496_10", FIVE),
    "main.hevc.mp4": ("107", (*HEVC, 8, 8, 7, 0), "ISO_23008_2", THREE),
    "main10.hevc.mp4": ("108", (*HEVC, 16, 10, 9, 0), "ISO_23008_2", THREE),
    "mpeg2.m2v": ("100", SMALL, "ISO_13818_2", FIVE),
    "mpeg2.mpg": ("100", SMALL, "ISO_13818_2", FIVE),
    "mpeg2.ts": ("100", SMALL, "ISO_13818_2", FIVE),
    "mpeg2.vob": ("100", SMALL, "ISO_13818_2", FIVE),
}
REFUSED = {
    "alpha.jxl": "extra channels, expected none",
    "animation.jxl": "rotated, animated or has a preview, expected none",
    "fragments.mp4": "fragments",
    "h264.ts": "no sequence header of MPEG-2",
    "high10.mp4": "H.264 profile 110",
    "high51.mp4": "H.264 profile 100 level 51",
    "main.mp4": "H.264 profile 77",
    "mpeg1.m1v": "no sequence header of MPEG-2",
    "mpeg2_422.m2v": "not 4:2:0",
    "mpeg4part2.mp4": "neither H.264 nor H.265",
    "raw.h264": "raw video stream",
    "rext.hevc.mp4": "H.265 profile 4",
}


def test_every_file_has_its_expectation() -> None:
    assert sorted(NAMES) == sorted([*IMAGES, *VIDEOS, *REFUSED])


@pytest.mark.parametrize("name", IMAGES)
def test_the_coding_and_the_image_are_read(name: str) -> None:
    uid, image, method = IMAGES[name]

    found = described(file(name))

    assert found.transfer_syntax_uid == f"1.2.840.10008.1.2.4.{uid}"
    assert found.image is not None
    assert tuple(found.image.attributes().values()) == image
    assert (found.lossy_method, found.cine) == (method, None)


@pytest.mark.parametrize("name", VIDEOS)
def test_the_coding_the_picture_and_the_times_are_read(name: str) -> None:
    uid, image, method, cine = VIDEOS[name]
    content = file(name)

    found = described(content)

    assert found.transfer_syntax_uid == f"1.2.840.10008.1.2.4.{uid}"
    assert found.image is not None
    assert tuple(found.image.attributes().values()) == image
    assert (found.lossy_method, found.cine) == (method, cine)
    assert found.content == content


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_transfer_syntax_has_is_refused(name: str) -> None:
    with pytest.raises(InstanceRejected, match=REFUSED[name]) as refusal:
        described(file(name))

    assert refusal.value.reason == FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED


def test_interlaced_pictures_are_seen_as_such() -> None:
    content = file("interlaced.mp4")
    record = memoryview(content)[content.index(b"avcC") + 4 :]

    assert read_sequence(record).interlaced


def test_the_content_is_a_view_of_the_part_without_boxes() -> None:
    content = file("reversible.jp2")

    found = described(content).content

    assert found.obj is content
    assert found == content[content.index(b"jp2c") + 4 :]


def test_how_the_files_are_made_is_written_down() -> None:
    text = (FILES / "README.md").read_text()

    assert [name for name in NAMES if name not in text] == []

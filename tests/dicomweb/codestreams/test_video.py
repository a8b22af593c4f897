"""Parameter sets and boxes that no coder at hand makes: profiles, levels, formats, tracks."""

from typing import Any

import pytest

from dicomweb.codestreams import Codestream
from dicomweb.codestreams.h264 import read_sequence
from dicomweb.codestreams.h265 import read_sequence as read_hevc_sequence
from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason
from tests.dicomweb.codestreams.bitstreams import box, described, file
from tests.dicomweb.codestreams.videos import FTYP, Avc, Hevc, Track

ROOT = "1.2.840.10008.1.2.4."
BEFORE_SETS = Avc().record()[:5]


def mp4(*tracks: bytes) -> Codestream:
    return described(FTYP + box(b"free") + box(b"moov", *tracks) + box(b"mdat", b"..."))


@pytest.mark.parametrize(
    ("values", "delta", "uid"),
    [
        ({}, 20, "102"),
        ({"level": 9}, 20, "102"),
        ({"level": 42}, 20, "104"),
        ({"profile": 128, "level": 42}, 20, "106"),
        ({"macroblocks": 80, "map_rows": 45}, 20, "103"),
        ({"macroblocks": 80, "map_rows": 45}, 30, "102"),
        ({"macroblocks": 120, "map_rows": 68, "crop": (0, 0, 0, 4)}, 40, "102"),
        ({"macroblocks": 120, "map_rows": 34, "crop": (0, 0, 0, 2), "interlaced": True}, 40, "103"),
    ],
)
def test_profile_level_and_format_of_h264_choose_the_transfer_syntax(
    values: dict[str, Any], delta: int, uid: str
) -> None:
    found = mp4(Track(record=Avc(**values).record(), delta=delta).box())

    assert found.transfer_syntax_uid == ROOT + uid


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("matrix", [False, True])
def test_the_size_in_h264_comes_after_whatever_is_before_it(order: int, matrix: bool) -> None:
    record = Avc(order=order, matrix=matrix, crop=(1, 2, 3, 4)).record()

    found = read_sequence(memoryview(record))

    assert (found.columns, found.rows) == (4 * 16 - 2 * 3, 3 * 16 - 2 * 7)


def test_fields_of_an_interlaced_picture_count_twice() -> None:
    found = read_sequence(memoryview(Avc(interlaced=True, crop=(0, 0, 0, 1)).record()))

    assert (found.rows, found.interlaced) == (2 * (48 - 2), True)


@pytest.mark.parametrize(
    ("values", "uid", "stored"),
    [
        ({}, "107", 8),
        ({"profile": 2, "depths": (2, 2)}, "108", 10),
        ({"profile": 2, "depths": (0, 1)}, "108", 9),
        ({"layers": 1}, "107", 8),
    ],
)
def test_profile_and_depth_of_h265_choose_the_transfer_syntax(
    values: dict[str, Any], uid: str, stored: int
) -> None:
    found = mp4(Hevc(**values).track())

    assert found.transfer_syntax_uid == ROOT + uid
    assert found.image is not None
    assert (found.image.columns, found.image.rows) == (64, 48)
    assert found.image.bits_stored == stored


def test_the_conformance_window_of_h265_is_cut() -> None:
    found = read_hevc_sequence(memoryview(Hevc(crop=(1, 2, 3, 4)).record()))

    assert (found.columns, found.rows) == (64 - 2 * 3, 48 - 2 * 7)


@pytest.mark.parametrize("version", [0, 1])
def test_frames_and_their_mean_time_come_from_the_time_table(version: int) -> None:
    found = mp4(Track(handler=b"soun").box(), Track(version=version).box()).cine

    assert found is not None
    assert (found.number_of_frames, found.frame_time, found.cine_rate) == (50, 20.0, 50)


@pytest.mark.parametrize(
    ("tracks", "found"),
    [
        ([Avc(profile=77).track()], "profile 77"),
        ([Avc(level=50).track()], "level 50"),
        ([Avc(profile=128, level=50).track()], "profile 128 level 50"),
        ([Avc(chroma=0).track()], "not 4:2:0 with 8 bits"),
        ([Avc(depth=1).track()], "not 4:2:0 with 8 bits"),
        (
            [Hevc(profile=3).track()],
            "profile 3",
        ),
        (
            [Hevc(level=156).track()],
            "level 156",
        ),
        (
            [Hevc(tier=1).track()],
            "profile 1",
        ),
        (
            [Hevc(chroma=2).track()],
            "not 4:2:0",
        ),
        ([Track(coding=b"mp4v").box()], "neither"),
        ([Track(entries=2).box()], "2 sample descriptions"),
        ([Track().box(), Track().box()], "2 video tracks"),
        ([Track(handler=b"soun").box()], "0 video tracks"),
        ([Track().box(), box(b"mvex")], "fragments"),
        ([Avc(crop=(0, 32, 0, 0)).track()], "0 columns"),
    ],
)
def test_a_video_that_dicom_cannot_hold_is_refused(tracks: list[bytes], found: str) -> None:
    with pytest.raises(InstanceRejected, match=found) as refusal:
        mp4(*tracks)

    assert refusal.value.reason == FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("tracks", "found"),
    [
        ([Track(timescale=0).box()], "without a time"),
        ([Track(delta=0).box()], "without a time"),
        ([Track(frames=2**31).box()], "too many"),
        (
            [Track(record=BEFORE_SETS + b"\xe0\0").box()],
            "no sequence parameter set in the H.264",
        ),
        ([Track(record=BEFORE_SETS + b"\xe1\0\0").box()], "inside a field"),
        (
            [Track(record=BEFORE_SETS + b"\xe1\0\x06\x67" + Avc().record()[9:14]).box()],
            "end of a parameter set",
        ),
        (
            [Track(record=BEFORE_SETS + b"\xe1\0\x0e\x67\x64\0\x29" + bytes(10)).box()],
            "more than 32 bits",
        ),
        ([Track(record=bytes(23), coding=b"hvc1", configuration=b"hvcC").box()], "in the H.265"),
        ([Track(configuration=b"free").box()], "no avcC box"),
        ([box(b"trak")], "no mdia box"),
    ],
)
def test_a_broken_video_is_not_understood(tracks: list[bytes], found: str) -> None:
    with pytest.raises(InstanceRejected, match=found) as refusal:
        mp4(*tracks)

    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND


def test_zeros_that_are_no_box_end_a_list_as_in_quicktime_and_in_padded_parts() -> None:
    moov = box(b"moov", Track().box(), bytes(4))

    assert described(FTYP + moov + bytes(1)).transfer_syntax_uid == ROOT + "102"


def test_a_movie_at_the_end_that_is_cut_off_is_not_understood() -> None:
    content = file("high41.mp4")

    with pytest.raises(InstanceRejected, match="does not fit"):
        described(content[:-1])

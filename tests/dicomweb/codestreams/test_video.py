"""Parameter sets and boxes that no coder at hand makes: profiles, levels, formats, tracks."""

from struct import pack
from typing import Any

import pytest
from dicomweb.codestreams import Codestream
from dicomweb.codestreams.h264 import read_sequence
from dicomweb.codestreams.h265 import read_sequence as read_hevc_sequence
from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason
from tests.dicomweb.codestreams.bitstreams import BitWriter, box, described, file

ROOT = "1.2.840.10008.1.2.4."
FTYP = box(b"ftyp", b"isom\0\0\0\0")


def avc(
    *,
    profile: int = 100,
    level: int = 41,
    chroma: int = 1,
    depth: int = 0,
    order: int = 2,
    map_rows: int = 3,
    macroblocks: int = 4,
    interlaced: bool = False,
    crop: tuple[int, ...] = (),
    matrix: bool = False,
) -> bytes:
    bits = BitWriter().u(8, profile).u(8, 0).u(8, level).ue(0, chroma, depth, depth).u(1, 0)
    bits.u(1, matrix)
    if matrix:
        bits.u(1, 1).se(2, -10, *(0,) * 14)
        bits.u(1, 1).se(-8)
        bits.u(6, 0)
    bits.ue(0, order)
    if order == 0:
        bits.ue(4)
    if order == 1:
        bits.u(1, 0).se(-1, 1).ue(2).se(3, -3)
    bits.ue(1).u(1, 0).ue(macroblocks - 1, map_rows - 1)
    bits.u(1, not interlaced).u(2 if interlaced else 1, 1)
    bits.u(1, bool(crop)).ue(*crop)
    unit = b"\x67" + bits.u(1, 0).bytes()
    return b"\1\x64\0\x29\xff\xe1" + pack(">H", len(unit)) + unit


def hevc(
    *,
    tier: int = 0,
    profile: int = 1,
    level: int = 153,
    chroma: int = 1,
    layers: int = 0,
    crop: tuple[int, ...] = (),
    depths: tuple[int, int] = (0, 0),
) -> bytes:
    bits = BitWriter().u(4, 0).u(3, layers).u(1, 1)
    bits.u(2, 0).u(1, tier).u(5, profile).u(32, 0).u(48, 0).u(8, level)
    if layers:
        bits.u(2, 0b11).u(14, 0).u(88, 0).u(8, 90)
    bits.ue(0, chroma, 64, 48).u(1, bool(crop)).ue(*crop, *depths)
    unit = b"\x42\1" + bits.bytes()
    other = b"\x20\0\1\0\3\x40\1\1"
    return bytes(22) + b"\2" + other + b"\x21\0\1" + pack(">H", len(unit)) + unit


def track(
    record: bytes = avc(),
    *,
    coding: bytes = b"avc1",
    configuration: bytes = b"avcC",
    handler: bytes = b"vide",
    frames: int = 50,
    delta: int = 20,
    timescale: int = 1000,
    version: int = 0,
    entries: int = 1,
) -> bytes:
    header = bytes((version,)) + bytes(19 if version else 11) + pack(">II", timescale, 0)
    entry = box(coding, bytes(78), box(configuration, record))
    return box(
        b"trak",
        box(
            b"mdia",
            box(b"mdhd", header),
            box(b"hdlr", bytes(8), handler),
            box(
                b"minf",
                box(
                    b"stbl",
                    box(b"stsd", bytes(8), entry * entries),
                    box(b"stts", pack(">5I", 0, 2, frames - 1, delta, 1), pack(">I", delta)),
                ),
            ),
        ),
    )


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
    found = mp4(track(avc(**values), delta=delta))

    assert found.transfer_syntax_uid == ROOT + uid


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("matrix", [False, True])
def test_the_size_in_h264_comes_after_whatever_is_before_it(order: int, matrix: bool) -> None:
    record = avc(order=order, matrix=matrix, crop=(1, 2, 3, 4))

    found = read_sequence(memoryview(record))

    assert (found.columns, found.rows) == (4 * 16 - 2 * 3, 3 * 16 - 2 * 7)


def test_fields_of_an_interlaced_picture_count_twice() -> None:
    found = read_sequence(memoryview(avc(interlaced=True, crop=(0, 0, 0, 1))))

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
    found = mp4(track(hevc(**values), coding=b"hev1", configuration=b"hvcC"))

    assert found.transfer_syntax_uid == ROOT + uid
    assert found.image is not None
    assert (found.image.columns, found.image.rows) == (64, 48)
    assert found.image.bits_stored == stored


def test_the_conformance_window_of_h265_is_cut() -> None:
    found = read_hevc_sequence(memoryview(hevc(crop=(1, 2, 3, 4))))

    assert (found.columns, found.rows) == (64 - 2 * 3, 48 - 2 * 7)


@pytest.mark.parametrize("version", [0, 1])
def test_frames_and_their_mean_time_come_from_the_time_table(version: int) -> None:
    found = mp4(track(handler=b"soun"), track(version=version)).cine

    assert found is not None
    assert (found.number_of_frames, found.frame_time, found.cine_rate) == (50, 20.0, 50)


@pytest.mark.parametrize(
    ("tracks", "found"),
    [
        ([track(avc(profile=77))], "profile 77"),
        ([track(avc(level=50))], "level 50"),
        ([track(avc(profile=128, level=50))], "profile 128 level 50"),
        ([track(avc(chroma=0))], "not 4:2:0 of 8 bits"),
        ([track(avc(depth=1))], "not 4:2:0 of 8 bits"),
        ([track(hevc(profile=3), coding=b"hvc1", configuration=b"hvcC")], "profile 3"),
        ([track(hevc(level=156), coding=b"hvc1", configuration=b"hvcC")], "level 156"),
        ([track(hevc(tier=1), coding=b"hvc1", configuration=b"hvcC")], "profile 1"),
        ([track(hevc(chroma=2), coding=b"hvc1", configuration=b"hvcC")], "not 4:2:0"),
        ([track(coding=b"mp4v")], "neither"),
        ([track(entries=2)], "2 sample descriptions"),
        ([track(), track()], "2 video tracks"),
        ([track(handler=b"soun")], "0 video tracks"),
        ([track(), box(b"mvex")], "fragments"),
        ([track(avc(crop=(0, 32, 0, 0)))], "0 columns"),
    ],
)
def test_a_video_that_dicom_cannot_hold_is_refused(tracks: list[bytes], found: str) -> None:
    with pytest.raises(InstanceRejected, match=found) as refusal:
        mp4(*tracks)

    assert refusal.value.reason == FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("tracks", "found"),
    [
        ([track(timescale=0)], "no time"),
        ([track(delta=0)], "no time"),
        ([track(frames=2**31)], "too many"),
        ([track(avc()[:5] + b"\xe0\0")], "no sequence parameter set in the H.264"),
        ([track(avc()[:5] + b"\xe1\0\0")], "inside a field"),
        ([track(avc()[:5] + b"\xe1\0\x06\x67" + avc()[9:14])], "end of a parameter set"),
        ([track(avc()[:5] + b"\xe1\0\x0e\x67\x64\0\x29" + bytes(10))], "more than 32 bits"),
        ([track(bytes(23), coding=b"hvc1", configuration=b"hvcC")], "in the H.265"),
        ([track(configuration=b"free")], "no avcC box"),
        ([box(b"trak")], "no mdia box"),
    ],
)
def test_a_broken_video_is_not_understood(tracks: list[bytes], found: str) -> None:
    with pytest.raises(InstanceRejected, match=found) as refusal:
        mp4(*tracks)

    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND


def test_zeros_that_are_no_box_end_a_list_as_in_quicktime_and_in_padded_parts() -> None:
    moov = box(b"moov", track(), bytes(4))

    assert described(FTYP + moov + bytes(1)).transfer_syntax_uid == ROOT + "102"


def test_a_movie_at_the_end_that_is_cut_off_is_not_understood() -> None:
    content = file("high41.mp4")

    with pytest.raises(InstanceRejected, match="does not fit"):
        described(content[:-1])

"""MPEG-2 video in the three ways it comes, with what no coder at hand makes."""

from dataclasses import replace
from struct import pack

import pytest

from dicomweb.codestreams import Cine
from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason
from tests.dicomweb.codestreams.bitstreams import described, file

ROOT = "1.2.840.10008.1.2.4."


def elementary(
    *,
    profile: tuple[int, int] = (4, 8),
    size: tuple[int, int] = (480, 720),
    rate: tuple[int, int, int] = (3, 0, 0),
    pictures: bytes = b"\3\3\3",
) -> bytes:
    rows, columns = size
    code, multiply, divide = rate
    first = (columns & 0xFFF) << 52 | (rows & 0xFFF) << 40 | 1 << 36 | code << 32
    more = 1 << 44 | profile[0] << 40 | profile[1] << 36 | 1 << 33
    more |= columns >> 12 << 31 | rows >> 12 << 29 | multiply << 5 | divide
    header = b"\0\0\1\xb3" + pack(">Q", first)
    extension = b"\0\0\1\xb5" + more.to_bytes(6, "big")
    coded = b"".join(
        b"\0\0\1\0\x11\x22\0\0\1\xb5\x8f\xff" + bytes((0xFC | structure,)) + b"\x80\0\0\1\1slice"
        for structure in pictures
    )
    return header + extension + coded + b"\0\0\1\xb7"


def pes(payload: bytes, stream: int = 0xE0, header: bytes = b"\x80\0\0") -> bytes:
    content = header + payload
    return pack(">4sH", bytes((0, 0, 1, stream)), len(content)) + content


def program(*packets: bytes) -> bytes:
    pack_header = b"\0\0\1\xba\x44" + bytes(8) + b"\xf8"
    return pack_header + b"".join(packets) + b"\0\0\1\xb9"


def transport(*payloads: tuple[int, bool, bytes]) -> bytes:
    """Make a packet of each (program, whether a PES packet starts, payload)."""
    packets = b""
    for number, starts, payload in payloads:
        header = pack(">BHB", 0x47, number | starts << 14, 0x30)
        stuffing = 188 - 5 - len(payload)
        packets += header + bytes((stuffing,)) + bytes(stuffing) + payload
    return packets


def chunks(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


@pytest.mark.parametrize(
    ("profile", "level", "uid"),
    [(4, 8, "100"), (4, 10, "100"), (5, 8, "100"), (4, 6, "101"), (4, 4, "101")],
)
def test_profile_and_level_choose_the_transfer_syntax(profile: int, level: int, uid: str) -> None:
    found = described(elementary(profile=(profile, level)))

    assert found.transfer_syntax_uid == ROOT + uid


@pytest.mark.parametrize(
    ("code", "multiply", "divide", "frame_time"),
    [
        (1, 0, 0, 41.708333),
        (2, 0, 0, 41.666667),
        (3, 0, 0, 40.0),
        (4, 0, 0, 33.366667),
        (5, 0, 0, 33.333333),
        (6, 0, 0, 20.0),
        (7, 0, 0, 16.683333),
        (8, 0, 0, 16.666667),
        (3, 1, 4, 100.0),
    ],
)
def test_the_frame_time_is_that_of_the_rate_code_and_its_extension(
    code: int, multiply: int, divide: int, frame_time: float
) -> None:
    found = described(elementary(rate=(code, multiply, divide)))

    assert found.cine == Cine(number_of_frames=3, frame_time=frame_time)


def test_sizes_have_two_bits_more_in_the_extension() -> None:
    found = described(elementary(size=(4097, 8194))).image

    assert found is not None
    assert (found.rows, found.columns) == (4097, 8194)


@pytest.mark.parametrize(
    ("pictures", "frames"), [(b"\3", 1), (b"\1\2\1\2", 2), (b"\3\1\2", 2), (b"\1\2\1", 2)]
)
def test_two_fields_are_one_frame(pictures: bytes, frames: int) -> None:
    found = described(elementary(pictures=pictures)).cine

    assert found is not None
    assert found.number_of_frames == frames


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 8, 50])
def test_pictures_are_found_at_the_seams_of_packets(size: int) -> None:
    whole = elementary()
    sound = pes(whole, stream=0xC0)
    second = pes(whole, stream=0xE1)
    video = [pes(piece) for piece in chunks(whole, size)]

    found = described(program(sound, *video, second))

    assert found == replace(described(whole), content=found.content)


@pytest.mark.parametrize(
    "header",
    [
        b"\x0f",
        b"\x21\0\1\0\1",
        b"\x31\0\1\0\1\x11\0\1\0\1",
        b"\xff\xff\x40\x20\x21\0\1\0\1",
    ],
)
def test_packets_of_mpeg_1_systems_hold_mpeg_2_video_too(header: bytes) -> None:
    content = b"\0\0\1\xba\x21\0\1\0\1\x80\0\1" + pes(elementary(), header=header)

    found = described(content).cine

    assert found is not None
    assert found.number_of_frames == 3


@pytest.mark.parametrize("size", [1, 6, 7, 100])
def test_a_transport_stream_has_its_video_in_the_packets_of_one_program(size: int) -> None:
    first, *rest = chunks(elementary(), size)
    packets = [
        (0, True, b"\0tables"),
        (0x102, True, pes(elementary(), stream=0xC0)[:150]),
        (0x101, False, b"before it starts"),
        (0x101, True, pes(first)),
        (0x102, False, elementary()[:150]),
        *((0x101, False, piece) for piece in rest),
        (0x103, True, pes(elementary())[:150]),
    ]

    found = described(transport(*packets))

    assert found.transfer_syntax_uid == ROOT + "100"
    assert found.cine == Cine(number_of_frames=3, frame_time=40.0)


@pytest.mark.parametrize("wrapped", ["program", "transport"])
def test_what_is_in_the_header_of_a_packet_is_no_video(wrapped: str) -> None:
    decoy = bytes(8) + elementary(size=(1, 1))[:22]
    packet = pes(elementary(), header=b"\x80\0" + bytes((len(decoy),)) + decoy)

    content = program(packet) if wrapped == "program" else transport((0x101, True, packet))
    found = described(content).image

    assert found is not None
    assert (found.rows, found.columns) == (480, 720)


def test_packets_without_stuffing_or_without_payload_are_walked_over() -> None:
    whole = pes(elementary())
    full = pack(">BHB", 0x47, 0x4101, 0x10) + whole.ljust(184, b"\xff")[:184]
    empty = pack(">BHB", 0x47, 0x0101, 0x20) + bytes((183,)) + b"\0\0\1\xb5\x80\0\3" * 26
    content = full + empty.ljust(188) + transport((0x101, False, b"end"))

    assert described(content).cine == described(elementary()).cine


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (elementary(profile=(1, 8)), "MPEG-2 profile 1 level 8"),
        (elementary()[:12], "no sequence header"),
        (file("mpeg2.m2v").replace(b"\0\0\1\xb5\x14", b"\0\0\1\xb2\x14"), "no sequence header"),
        (b"\0\0\1\xb3" + bytes(70_000) + elementary(), "no sequence header"),
        (elementary(size=(0, 720)), "0 rows"),
    ],
)
def test_video_that_is_not_of_a_transfer_syntax_is_refused(content: bytes, found: str) -> None:
    with pytest.raises(InstanceRejected, match=found) as refusal:
        described(content)

    assert refusal.value.reason == FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (elementary(rate=(0, 0, 0)), "an unknown frame rate"),
        (elementary(rate=(9, 0, 0)), "an unknown frame rate"),
        (elementary(pictures=b""), "no pictures"),
        (program()[:-4] + b"\0\0\2\0", "no start code of a program stream at byte 14"),
        (program()[:-4] + pes(elementary())[:-1], "end inside a field"),
        (program(pes(elementary()))[:-4] + pes(b"x", 0xC0)[:-1], "end of a program stream inside"),
        (program(pes(b"", header=b"\xff\xff")), "end inside a field"),
        (program(pes(b"", header=b"")), "end inside a field"),
        (transport(*[(1, True, b"x")] * 4) + b"\x47", "end inside a field"),
        (transport(*[(1, True, b"x")] * 3) + bytes(188), "no packet of a transport stream"),
    ],
)
def test_broken_video_is_not_understood(content: bytes, found: str) -> None:
    with pytest.raises(InstanceRejected, match=found) as refusal:
        described(content)

    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND


@pytest.mark.parametrize("size", [1, 100, 1000])
def test_pictures_in_many_small_packets_are_counted(size: int) -> None:
    stream = elementary(pictures=b"\3" * 5000)
    packets = (pes(chunk) for chunk in chunks(stream, size))

    cine = described(program(*packets, pes(bytes(3000)), pes(b"x"))).cine

    assert cine is not None
    assert cine.number_of_frames == 5000


def test_a_long_stream_is_read_in_linear_time() -> None:
    content = elementary(pictures=b"\3" * 20_000)

    found = described(content).cine

    assert found is not None
    assert found.number_of_frames == 20_000

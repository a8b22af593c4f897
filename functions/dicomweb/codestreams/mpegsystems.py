"""MPEG-2 systems: ISO/IEC 13818-1 (ITU-T H.222.0), program and transport streams.

The packets of the first video are found by their stream id, E0 to EF. Sound and tables, in which
start codes of video may appear by chance, are skipped. The pieces are views, not copies.
"""

import re
from collections.abc import Iterator

from dicomweb.codestreams.fields import field, unreadable, unsigned

_PACKET, _SYNC = 188, 0x47
_PACK, _END, _PACKET_LENGTH = 0x1BA, 0x1B9, 6
_VIDEO = range(0x1E0, 0x1F0)
_START_CODE = range(_PACK, 0x200)
_MPEG_2, _MPEG_2_HEADER = 0b01, 0b10
_NO_STUFFING = re.compile(rb"[^\xff]")
_BUFFER_SIZE = 0b01
_TIME_STAMPS = {0b0010: 5, 0b0011: 10}
_PACKET_STARTS, _PACKET_HEADER = 0x40, 9


def is_transport_stream(content: memoryview) -> bool:
    """Tell whether packets of 188 bytes begin here: each begins with 47 (2.4.3.2)."""
    return set(content[: 3 * _PACKET : _PACKET]) == {_SYNC} and len(content) >= _PACKET


def program_stream(content: memoryview) -> Iterator[memoryview]:
    """Yield the video of a program stream (2.5.3) piece by piece.

    Raises InstanceRejected (C000) if a packet does not begin where it must, or the last is cut off.
    """
    offset, video = 0, 0
    while offset < len(content):
        # At the end of the content there may be fewer bytes, which are no start code or no packet.
        code = int.from_bytes(content[offset : offset + 4], "big")
        if code == _END:
            return
        if code not in _START_CODE:
            raise unreadable(
                f"found no start code of a program stream at byte {offset}, expected one"
            )
        if code == _PACK:
            offset += _pack_header(content, offset)
            continue
        start = offset + _PACKET_LENGTH
        length = int.from_bytes(content[offset + 4 : start], "big")
        offset = start + length
        if code in _VIDEO:
            video = video or code
            if code == video:
                yield _payload(field(content, start, length))
    if offset > len(content):
        raise unreadable("found the end of a program stream inside a packet, expected all of it")


def transport_stream(content: memoryview) -> Iterator[memoryview]:
    """Yield the video of a transport stream (2.4.3) piece by piece.

    Raises InstanceRejected (C000) if a packet does not begin where it must, or the last is cut off.
    """
    video = None
    for offset in range(0, len(content), _PACKET):
        packet = field(content, offset, _PACKET)
        if packet[0] != _SYNC:
            raise unreadable(
                f"found no packet of a transport stream at byte {offset}, expected one"
            )
        program, payload = unsigned(packet, 1, 2) & 0x1FFF, _packet_payload(packet)
        starts = (
            packet[1] & _PACKET_STARTS
            and len(payload) >= _PACKET_HEADER
            and unsigned(payload, 0, 4) in _VIDEO
        )
        if video is None and starts:
            video = program
        if program == video:
            yield _payload(payload[6:]) if starts else payload


def _pack_header(content: memoryview, offset: int) -> int:
    if unsigned(content, offset + 4, 1) >> 6 != _MPEG_2:
        return 12
    return 14 + (unsigned(content, offset + 13, 1) & 7)


def _payload(packet: memoryview) -> memoryview:
    """Return what follows the optional header of a PES packet (2.4.3.6).

    The header of MPEG-1 (ISO/IEC 11172-1 2.4.3.3) is stuffing, buffer size and time stamps. It is
    also used around MPEG-2 video: ``.mpg`` files have it by default.
    """
    if unsigned(packet, 0, 1) >> 6 == _MPEG_2_HEADER:
        return packet[3 + unsigned(packet, 2, 1) :]
    stuffed = _NO_STUFFING.search(packet)
    offset = stuffed.start() if stuffed else len(packet)
    if unsigned(packet, offset, 1) >> 6 == _BUFFER_SIZE:
        offset += 2
    return packet[offset + _TIME_STAMPS.get(unsigned(packet, offset, 1) >> 4, 1) :]


def _packet_payload(packet: memoryview) -> memoryview:
    control = packet[3] >> 4 & 0b11
    if not control & 0b01:
        return packet[:0]
    return packet[5 + packet[4] :] if control & 0b10 else packet[4:]

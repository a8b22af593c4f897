"""MPEG-2 video: ISO/IEC 13818-2 (ITU-T H.262), alone or in a program or transport stream.

The first sequence header with its extension gives profile, level, size and rate. Pictures are
counted by their coding extensions: a frame has one, or each of its two fields has one. The stream
comes in pieces, of which only small ones are joined, so the seams are searched separately.

Main profile at Main Level, and what it includes, is 1.2.840.10008.1.2.4.100; at High Level,
with High 1440, it is .101 (PS3.5 8.2.5 and 8.2.6). MPEG-1 has no transfer syntax. H.264 in a
transport stream is not supported, although PS3.5 8.2.7 allows it: it has no sequence header.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from pydicom.uid import MPEG2MPHL, MPEG2MPML

from dicomweb.codestreams.codestream import Cine, Codestream
from dicomweb.codestreams.fields import unreadable, unsupported
from dicomweb.codestreams.video import CodedVideoSequence, no_transfer_syntax, video

_HEAD = 65536
_SMALL = 1024
_EXTENSION = 7
_SEQUENCE = re.compile(rb"\x00\x00\x01\xb3(.{8})", re.DOTALL)
_SEQUENCE_EXTENSION = re.compile(rb"\x00\x00\x01\xb5([\x10-\x1f].{5})", re.DOTALL)
_PICTURE_EXTENSION = re.compile(rb"\x00\x00\x01\xb5[\x80-\x8f].(.)", re.DOTALL)
_FRAME = 0b11
_CHROMA_420 = 1
_FRAME_TIMES = {
    1: 1001 / 24,
    2: 1000 / 24,
    3: 1000 / 25,
    4: 1001 / 30,
    5: 1000 / 30,
    6: 1000 / 50,
    7: 1001 / 60,
    8: 1000 / 60,
}
"""In ms, by frame_rate_code (13818-2 Table 6-4)."""

_SIMPLE, _MAIN = 5, 4
_HIGH_LEVEL, _HIGH_1440, _MAIN_LEVEL, _LOW_LEVEL = 4, 6, 8, 10
_TRANSFER_SYNTAXES = {
    (_SIMPLE, _MAIN_LEVEL): MPEG2MPML,
    (_MAIN, _LOW_LEVEL): MPEG2MPML,
    (_MAIN, _MAIN_LEVEL): MPEG2MPML,
    (_MAIN, _HIGH_1440): MPEG2MPHL,
    (_MAIN, _HIGH_LEVEL): MPEG2MPHL,
}


def describe(
    content: memoryview,
    pieces: Callable[[memoryview], Iterable[memoryview]] = lambda video: (video,),
) -> Codestream:
    """Describe MPEG-2 video, whose elementary stream is the ``pieces`` of the content.

    Raises InstanceRejected: C122 for a profile or level without a transfer syntax and for MPEG-1,
    C000 if there are no pictures or the bits violate 13818-2.
    """
    gathered = _gathered(pieces(content))
    first = _first(gathered)
    sequence, frame_time = _sequence(b"".join(piece[:_HEAD] for piece in first)[:_HEAD])
    number_of_fields = sum(_pictures(chain(first, gathered)))
    if not number_of_fields:
        raise unreadable("found no pictures in the MPEG-2 video, expected at least one")
    key = (sequence.profile, sequence.level)
    if key not in _TRANSFER_SYNTAXES:
        raise no_transfer_syntax("MPEG-2", *key)
    return video(
        content,
        sequence,
        transfer_syntax_uid=_TRANSFER_SYNTAXES[key],
        lossy_method="ISO_13818_2",
        cine=Cine(number_of_frames=(number_of_fields + 1) // 2, frame_time=frame_time),
    )


def _gathered(pieces: Iterable[memoryview]) -> Iterator[memoryview]:
    """Yield the pieces, those that are small together: a packet may have a byte, or none."""
    small = bytearray()
    for piece in pieces:
        if len(piece) < _SMALL:
            small += piece
        else:
            yield memoryview(small)
            yield piece
            small = bytearray()
        if len(small) >= _HEAD:
            yield memoryview(small)
            small = bytearray()
    yield memoryview(small)


def _first(pieces: Iterator[memoryview]) -> list[memoryview]:
    """Return the pieces in which the sequence header must be."""
    first, size = [], 0
    for piece in pieces:
        first.append(piece)
        size += len(piece)
        if size >= _HEAD:
            break
    return first


def _sequence(head: bytes) -> tuple[CodedVideoSequence, float]:
    """Read the sequence header and extension (13818-2 6.2.2.1 and 6.2.2.3)."""
    header = _SEQUENCE.search(head)
    extension = header and _SEQUENCE_EXTENSION.search(head, header.end())
    if not (header and extension):
        raise unsupported(
            "found no sequence header of MPEG-2 video in the first 64 KiB, expected one"
        )
    first, more = (int.from_bytes(match[1], "big") for match in (header, extension))
    if more >> 33 & 3 != _CHROMA_420:
        raise unsupported("found MPEG-2 samples that are not 4:2:0, expected 4:2:0")
    frame_time = _FRAME_TIMES.get(first >> 32 & 15)
    if frame_time is None:
        raise unreadable("found an unknown frame rate, expected one of MPEG-2 video")
    sequence = CodedVideoSequence(
        profile=more >> 40 & 7,
        level=more >> 36 & 15,
        columns=(more >> 31 & 3) << 12 | first >> 52,
        rows=(more >> 29 & 3) << 12 | first >> 40 & 0xFFF,
    )
    return sequence, round(frame_time * ((more & 31) + 1) / ((more >> 5 & 3) + 1), 6)


def _pictures(pieces: Iterable[memoryview]) -> Iterator[int]:
    """Yield the fields of each picture (13818-2 6.3.10): 2 in a frame, or 1."""
    end = b""
    for piece in pieces:
        start = bytes(piece[: _EXTENSION - 1])
        for part in (end + start, piece):
            for match in _PICTURE_EXTENSION.finditer(part):
                yield 2 if match[1][0] & _FRAME == _FRAME else 1
        end = (end + bytes(piece[1 - _EXTENSION :]))[1 - _EXTENSION :]

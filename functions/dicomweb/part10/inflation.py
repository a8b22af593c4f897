"""Inflate deflated data sets: raw streams of RFC 1951 (PS3.5 A.5).

Deflate can make 4.7 MB out of 5 GB, and elements of no value out of nothing, so what the parts of
a request may inflate to is limited for all of them together, by the size of the request.
"""

import mmap
import sys
import zlib
from struct import Struct

from dicomweb.errors import InstanceRejected
from dicomweb.part10.headers import ElementLimit, is_padding
from dicomweb.reasons import FailureReason

MAX_INFLATED_BYTES = 128 * 1024 * 1024
"""A bound on one inflated data set, however large the request is."""

_FREE_BYTES, _BYTES_A_BYTE = 32 * 1024 * 1024, 4
_FREE_ELEMENTS, _BYTES_AN_ELEMENT = 400_000, 4

_PIECE, _INFLATED_PIECE = 1 << 14, 1 << 18
_TRAILER = Struct("<II")
_PRIVATE = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if sys.platform != "win32" else {}


class Inflation:
    """What the data sets of a request may still inflate to: bytes, and elements in them."""

    def __init__(self, request: int) -> None:
        """Begin with what a request of so many bytes may inflate to.

        One data set, which is in memory, to four times that and 32 MiB; all of them, which take
        time, to four times that and 128 MiB, and an element for each 4 bytes of it and 400,000.
        """
        self.size = self.left = MAX_INFLATED_BYTES + _BYTES_A_BYTE * request
        self.most = min(MAX_INFLATED_BYTES, _FREE_BYTES + _BYTES_A_BYTE * request)
        elements = _FREE_ELEMENTS + request // _BYTES_AN_ELEMENT
        self.elements = ElementLimit(elements, FailureReason.OUT_OF_RESOURCES)

    def inflate(self, deflated: memoryview) -> memoryview:
        """Inflate the data set of a deflated transfer syntax.

        Raises InstanceRejected if the stream is broken or cut off, or if anything but NULs as
        padding follows it (C000), and if there is no room for what it inflates to (A700).
        dicom3tools writes the trailer of RFC 1952 after the stream; it is accepted and checked.
        """
        most = max(min(self.left, self.most), 0)
        # Its pages take memory when they are written; a buffer that grows would be copied.
        buffer = mmap.mmap(-1, most + 1, **_PRIVATE)
        try:
            rest = _inflate(deflated, buffer, most)
        except zlib.error as error:
            raise _broken("found a broken stream, expected one of RFC 1951") from error
        finally:
            self.left -= buffer.tell()
        if buffer.tell() > most:
            raise self._refusal()
        data_set = memoryview(buffer)[: buffer.tell()]
        if rest is None or not (is_padding(rest) or _ends(rest, data_set)):
            raise _broken("found a stream that does not end where the part ends")
        return data_set

    def _refusal(self) -> InstanceRejected:
        together = f" and {self.size} in the request" if self.left <= 0 else ""
        return InstanceRejected(
            FailureReason.OUT_OF_RESOURCES,
            f"found a deflated data set of more bytes than there is room for, expected at most"
            f" {self.most} for a request of this size{together}",
        )


def _inflate(deflated: memoryview, buffer: mmap.mmap, most: int) -> memoryview | None:
    """Inflate into ``buffer`` until it has more than ``most`` bytes; return what follows.

    It is read a piece at a time, so that neither the input nor what follows the stream is copied
    as a whole. None says that the stream does not end.
    """
    stream = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    for start in range(0, len(deflated), _PIECE):
        piece: memoryview | bytes = deflated[start : start + _PIECE]
        end = start + len(piece)
        full = True  # there may be more in what was already read
        while (piece or full) and buffer.tell() <= most:
            room = min(_INFLATED_PIECE, most + 1 - buffer.tell())
            inflated = stream.decompress(piece, room)
            buffer.write(inflated)
            if stream.eof:
                return deflated[end - len(stream.unused_data) :]
            piece, full = stream.unconsumed_tail, len(inflated) == room
    return None


def _ends(rest: memoryview, data_set: memoryview) -> bool:
    """Tell whether the trailer of RFC 1952 follows, and then nothing but padding."""
    trailer = _TRAILER.pack(zlib.crc32(data_set), len(data_set))
    return bytes(rest[: len(trailer)]) == trailer and is_padding(rest[len(trailer) :])


def _broken(found: str) -> InstanceRejected:
    return InstanceRejected(FailureReason.CANNOT_UNDERSTAND, f"the deflated data set: {found}")

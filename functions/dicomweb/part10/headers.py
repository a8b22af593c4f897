"""The headers in a Data Set: those of elements and of items (PS3.5 Sections 7.1, 7.5)."""

from struct import Struct

from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason

MAX_ELEMENTS = 2_000_000
"""Elements, items and fragments of a data set. So many take a second or two."""

ITEM_GROUP = 0xFFFE
ITEM = 0xFFFEE000
SEQUENCE_DELIMITATION = 0xFFFEE0DD
UNDEFINED_LENGTH = 0xFFFFFFFF

SHORT = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
"""The VRs with a 16 bit length (PS3.5 Table 7.1-2); any VR added later has 32 bits (6.2)."""

_PIECE = 1 << 16

SHORT_HEADER = Struct("<HH2sH")
LONG_HEADER = Struct("<HH2sxxI")
IMPLICIT_HEADER = Struct("<HHI")
"""That of an element in implicit VR, and of an item."""
LENGTH = Struct("<I")


def is_vr(vr: bytes) -> bool:
    """Tell whether two bytes may be a VR, known or added later (PS3.5 6.2)."""
    return vr.isalpha() and vr.isupper()


def tag_text(tag: int) -> str:
    """Return ``tag`` as texts for the sender show it, such as (0010,0020)."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def is_padding(rest: memoryview) -> bool:
    """Tell whether ``rest`` is nothing but NULs; a header of an element is not.

    It is read a piece at a time, and after the first 8 bytes only if these may be padding.
    """
    if any(rest[: IMPLICIT_HEADER.size]):
        return False
    pieces = (rest[at : at + _PIECE] for at in range(0, len(rest), _PIECE))
    return not any(piece.tobytes().strip(b"\0") for piece in pieces)


class ElementLimit:
    """How many elements, items and fragments may still be read, and the reason to refuse more."""

    def __init__(self, left: int, reason: FailureReason = FailureReason.CANNOT_UNDERSTAND) -> None:
        self.left = left
        self.reason = reason


class Headers:
    """The headers in ``data``, Little Endian, and how many of them were read.

    All methods raise InstanceRejected with Cannot understand (C000), for a header that does not
    fit or is invalid, and with the reason of the ``limit`` for more than that.
    """

    def __init__(self, data: memoryview, limit: ElementLimit | None = None) -> None:
        self.data = data
        self.limit = limit or ElementLimit(MAX_ELEMENTS)
        self.most = max(min(self.limit.left, MAX_ELEMENTS), 0)
        self.count = 0

    def header(
        self, position: int, end: int, *, implicit_vr: bool
    ) -> tuple[int, bytes | None, int, int]:
        """Return tag, VR, length and the offset of the value (PS3.5 7.1.2, 7.1.3)."""
        self.count += 1
        if self.count > self.most:
            raise self._too_many(position)
        if position + 8 > end:
            raise self.refusal(
                position, f"found {end - position} bytes, expected an element header of 8"
            )
        if implicit_vr:
            group, number, length = IMPLICIT_HEADER.unpack_from(self.data, position)
            return group << 16 | number, None, length, position + 8
        group, number, vr, length = SHORT_HEADER.unpack_from(self.data, position)
        if group == ITEM_GROUP:  # an item or a delimiter: no VR, and its length may look like one
            length = LENGTH.unpack_from(self.data, position + 4)[0]
            return group << 16 | number, None, length, position + 8
        if vr in SHORT:
            return group << 16 | number, vr, length, position + 8
        return self._long_header(position, end, group << 16 | number, vr)

    def _long_header(
        self, position: int, end: int, tag: int, vr: bytes
    ) -> tuple[int, bytes, int, int]:
        if not is_vr(vr):
            raise self.refusal(
                position, f"found {tag_text(tag)} without a VR, expected two capital letters"
            )
        if position + 12 > end:
            raise self.refusal(
                position, f"found the end in {tag_text(tag)}, expected a header of 12 bytes"
            )
        return tag, vr, LENGTH.unpack_from(self.data, position + 8)[0], position + 12

    def item_header(self, position: int, end: int) -> tuple[int, int, int]:
        """Return the tag of an item or a delimiter, its length and where it begins (PS3.5 7.5)."""
        self.count += 1
        if self.count > self.most:
            raise self._too_many(position)
        if position + 8 > end:
            raise self.refusal(position, "found a sequence or item that does not end")
        group, number, length = IMPLICIT_HEADER.unpack_from(self.data, position)
        return group << 16 | number, length, position + 8

    def _too_many(self, position: int) -> InstanceRejected:
        reason = self.limit.reason if self.most < MAX_ELEMENTS else FailureReason.CANNOT_UNDERSTAND
        return self.refusal(position, f"found more than {self.most} elements and items", reason)

    def refusal(
        self,
        position: int,
        text: str,
        reason: FailureReason = FailureReason.CANNOT_UNDERSTAND,
    ) -> InstanceRejected:
        """Return the refusal of the data set because of what is at ``position``."""
        return InstanceRejected(reason, f"the data set breaks at byte {position}: {text}")

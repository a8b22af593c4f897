"""Walk a Data Set from its first element to its last byte (PS3.5 Section 7).

Only the structure is read: tags, VRs, lengths, items and fragments. Values are returned as
slices for the requested tags, at the top level only, and everything else is stepped over. A data
set that does not add up to its last byte is refused, because one that was cut off or garbled on
its way here can still look fine up to the point where a lazy reader stops. Memory is never
allocated because of a length that a file states.

Offsets in texts are bytes from the start of the part, or of the inflated data set.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from dicomweb.part10.headers import (
    ITEM,
    ITEM_GROUP,
    LENGTH,
    SEQUENCE_DELIMITATION,
    SHORT,
    UNDEFINED_LENGTH,
    ElementLimit,
    Headers,
    is_padding,
    is_vr,
    tag_text,
)

MAX_DEPTH = 64
"""Sequences within sequences; even the deepest templates of the standard stay far below."""

PIXEL_DATA = 0x7FE00010
FLOAT_PIXEL_DATA = 0x7FE00008
DOUBLE_FLOAT_PIXEL_DATA = 0x7FE00009
_PIXEL_DATA = frozenset((PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA))

_GROUP_LENGTH = 0x00020000
_ITEM_TAG = b"\xfe\xff\x00\xe0"
_ITEM_DELIMITATION = 0xFFFEE00D
_NOT_IN_A_DATA_SET = frozenset((0x0000, 0x0002, ITEM_GROUP))


class Element(NamedTuple):
    """A top-level element: its VR (None if implicit), and its Value Field as a slice."""

    tag: int
    vr: str | None
    value: memoryview


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelData:
    """The pixel data element that was found: its length, and its fragments if encapsulated.

    ``length`` is in bytes, without the item headers if encapsulated; ``fragments`` does not
    count the Basic Offset Table, and is None if the pixel data is native (PS3.5 A.4). An element
    without a value is no pixel data.
    """

    tag: int
    length: int
    fragments: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """What a walk found: the requested elements, and the pixel data."""

    elements: dict[int, Element]
    pixel_data: PixelData | None


def walk(  # noqa: PLR0913 - the last two are for one caller
    data: memoryview,
    *,
    start: int,
    implicit_vr: bool,
    wanted: Collection[int],
    elements: dict[int, Element] | None = None,
    limit: ElementLimit | None = None,
) -> DataSet:
    """Walk the Little Endian data set in ``data[start:]`` and return the ``wanted`` elements.

    NULs from its last element to the end are padding, which some systems write into files.
    ``elements`` receives them too, so that those before a break are known. What was read is taken
    from the ``limit``.
    Raises InstanceRejected with Cannot understand (C000) if an element, item or fragment does
    not fit in its place, if a sequence does not end, if sequences are nested deeper than
    MAX_DEPTH, if a wanted element occurs twice, or if there are more than MAX_ELEMENTS
    elements, items and fragments; with its own reason if there are more than the ``limit`` allows.
    """
    walker = _Walker(data, frozenset(wanted) | _PIXEL_DATA, MAX_DEPTH, limit)
    walker.elements = {} if elements is None else elements
    try:
        walker.data_set(start, implicit_vr=implicit_vr)
    finally:
        walker.limit.left -= walker.count
    return DataSet(elements=walker.elements, pixel_data=walker.pixel_data)


def walk_file_meta(
    data: memoryview, *, start: int, wanted: Collection[int]
) -> tuple[dict[int, Element], int]:
    """Walk the File Meta Information and return the ``wanted`` elements and where it ends.

    It is group 0002 in Explicit VR Little Endian (PS3.10 7.1). It ends at the first other group,
    because some files have a wrong group length; or where its group length says, if no element
    of the group follows, because a deflated stream may begin like the group's number.
    """
    walker = _Walker(data, frozenset(wanted) | {_GROUP_LENGTH}, max_depth=0)
    end = walker.file_meta(start)
    return walker.elements, end


def items(sequence: Element) -> Iterator[memoryview]:
    """Yield the data sets of the items of a sequence that a walk has found (PS3.5 7.5)."""
    data = sequence.value
    walker = _Walker(data, frozenset(), MAX_DEPTH)
    position = 0
    while position < len(data):
        tag, length, start = walker.item_header(position, len(data))
        if tag == SEQUENCE_DELIMITATION:
            break
        if tag != ITEM:
            raise walker.refusal(position, f"found {tag_text(tag)}, expected an item")
        if length == UNDEFINED_LENGTH:
            implicit_vr = sequence.vr != "SQ"
            position = walker.item(start, len(data), implicit_vr=implicit_vr, delimited=True)
            yield data[start : position - 8]
        else:
            position = start + length
            yield data[start:position]


@cache
def _sequence_tags() -> frozenset[int]:
    """Return the standard tags of VR SQ; in implicit VR only the dictionary knows them (PS3.6)."""
    # To import the dictionary takes longer than to read an instance, and most do not need it.
    from pydicom.datadict import dictionary_VR, keyword_dict  # noqa: PLC0415 - as said
    from pydicom.tag import BaseTag  # noqa: PLC0415 - as said

    tags = map(BaseTag, keyword_dict.values())
    return frozenset(int(tag) for tag in tags if dictionary_VR(tag) == "SQ")


class _Walker(Headers):
    """The state of one walk. Every method takes an offset and returns the one that it reached."""

    def __init__(
        self,
        data: memoryview,
        wanted: frozenset[int],
        max_depth: int,
        limit: ElementLimit | None = None,
    ) -> None:
        super().__init__(data, limit)
        self.wanted = wanted
        self.max_depth = max_depth
        self.elements: dict[int, Element] = {}
        self.pixel_data: PixelData | None = None
        self.depth = 0

    def data_set(self, position: int, *, implicit_vr: bool) -> None:
        data, wanted, end = self.data, self.wanted, len(self.data)
        while position < end:
            if not data[position] and is_padding(data[position:]):
                return
            tag, vr, length, value = self.header(position, end, implicit_vr=implicit_vr)
            if tag >> 16 in _NOT_IN_A_DATA_SET:
                raise self.refusal(
                    position, f"found {tag_text(tag)}, which cannot be in a data set"
                )
            # Most elements have such a VR and are finished here: there is nothing in them to walk.
            position = value + length
            if vr not in SHORT or position > end:
                position = self.value(tag, vr, length, value, end)
            if tag in wanted:
                self.keep(tag, vr, data[value:position], length, value)

    def file_meta(self, position: int) -> int:
        data, end = self.data, len(self.data)
        declared_end = -1
        while bytes(data[position : position + 2]) == b"\2\0":
            if position == declared_end and not is_vr(bytes(data[position + 4 : position + 6])):
                break
            tag, vr, length, value = self.header(position, end, implicit_vr=False)
            position = self.value(tag, vr, length, value, end)
            if tag in self.wanted:
                self.keep(tag, vr, data[value:position], length, value)
            if tag == _GROUP_LENGTH and length == LENGTH.size:
                declared_end = position + LENGTH.unpack_from(data, value)[0]
        return position

    def keep(self, tag: int, vr: bytes | None, value: memoryview, length: int, at: int) -> None:
        if tag in self.elements:
            raise self.refusal(at, f"found {tag_text(tag)} twice, expected it once")
        if tag in _PIXEL_DATA and length not in (0, UNDEFINED_LENGTH):
            self.pixel_data = PixelData(tag=tag, length=length, fragments=None)
        self.elements[tag] = Element(tag, vr.decode("ascii") if vr else None, value)

    def value(self, tag: int, vr: bytes | None, length: int, position: int, end: int) -> int:
        """Step over the value of an element, walking into sequences and fragments."""
        if length == UNDEFINED_LENGTH:
            return self.undefined_length(tag, vr, position, end)
        if position + length > end:
            raise self.refusal(
                position,
                f"{tag_text(tag)} declares {length} bytes, {end - position} are left",
            )
        if vr == b"SQ" or (vr is None and self.is_sequence(tag, length, position)):
            self.items(position, position + length, implicit_vr=vr is None)
        return position + length

    def is_sequence(self, tag: int, length: int, position: int) -> bool:
        """Tell whether a value in implicit VR is a sequence, by the dictionary and by itself.

        Old reports have a code string in (0040,A170), as its note in PS3.6 says, and
        anonymisers write text into other sequences.
        """
        begin = bytes(self.data[position : position + min(length, len(_ITEM_TAG))])
        return begin == _ITEM_TAG and tag in _sequence_tags()

    def undefined_length(self, tag: int, vr: bytes | None, position: int, end: int) -> int:
        """Step over a value that ends with a Sequence Delimitation Item (PS3.5 7.5, A.4).

        A sequence of VR UN is in implicit VR, whatever the transfer syntax (PS3.5 6.2.2).
        """
        if vr in (b"OB", b"OW"):
            return self.fragments(tag, position, end)
        if vr in (None, b"SQ", b"UN"):
            return self.items(position, end, implicit_vr=vr != b"SQ", delimited=True)
        raise self.refusal(
            position, f"found {tag_text(tag)} with undefined length, which its VR does not allow"
        )

    def items(self, position: int, end: int, *, implicit_vr: bool, delimited: bool = False) -> int:
        self.depth += 1
        if self.depth > self.max_depth:
            raise self.refusal(position, f"found sequences nested deeper than {self.max_depth}")
        while delimited or position < end:
            tag, length, position = self.item_header(position, end)
            if tag == SEQUENCE_DELIMITATION and delimited:
                break
            if tag != ITEM:
                raise self.refusal(position - 8, f"found {tag_text(tag)}, expected an item")
            if length == UNDEFINED_LENGTH:
                position = self.item(position, end, implicit_vr=implicit_vr, delimited=True)
            elif position + length > end:
                raise self.refusal(
                    position,
                    f"an item declares {length} bytes, {end - position} are left",
                )
            else:
                position = self.item(position, position + length, implicit_vr=implicit_vr)
        self.depth -= 1
        return position

    def item(self, position: int, end: int, *, implicit_vr: bool, delimited: bool = False) -> int:
        while delimited or position < end:
            tag, vr, length, value = self.header(position, end, implicit_vr=implicit_vr)
            if tag == _ITEM_DELIMITATION and delimited:
                return value
            if tag >> 16 == ITEM_GROUP:
                raise self.refusal(position, f"found {tag_text(tag)}, expected an element")
            position = self.value(tag, vr, length, value, end)
        return position

    def fragments(self, tag: int, position: int, end: int) -> int:
        """Step over encapsulated pixel data: an offset table and fragments (PS3.5 A.4)."""
        count = total = 0
        while True:
            item, length, position = self.item_header(position, end)
            if item == SEQUENCE_DELIMITATION:
                break
            if item != ITEM or position + length > end:
                raise self.refusal(
                    position - 8, f"found a fragment of {tag_text(tag)} that does not fit"
                )
            total += length if count else 0
            count += 1
            position += length
        if self.depth == 0 and tag in _PIXEL_DATA:
            self.pixel_data = PixelData(tag=tag, length=total, fragments=max(count - 1, 0))
        return position

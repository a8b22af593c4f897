"""The attributes of a stored instance, without its bulk data (PS3.18 10.4, Annex F).

Only the beginning of a file is read: everything up to its pixel data, and of that what is no bulk
data. The file was walked as a whole when it was stored, so here a data set that does not add up is
one of which more has to be read.
"""

import json
from collections.abc import Callable

from dicomweb import conformance
from dicomweb.errors import InstanceRejected
from dicomweb.part10.file import read_file_meta
from dicomweb.part10.headers import (
    IMPLICIT_HEADER,
    ITEM,
    ITEM_GROUP,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Headers,
    is_padding,
)
from dicomweb.part10.inflation import Inflation
from dicomweb.part10.walker import (
    DOUBLE_FLOAT_PIXEL_DATA,
    FLOAT_PIXEL_DATA,
    MAX_DEPTH,
    PIXEL_DATA,
)
from dicomweb.retrieval import jsonvalues
from dicomweb.retrieval.refusals import NotAcceptable
from dicomweb.returnattributes import SPECIFIC_CHARACTER_SET

Fetch = Callable[[int, int], bytes]
"""Returns the bytes of a file from one offset up to another."""

MOST_READ = 4 * 1024 * 1024
"""How much of a file is read."""

_FIRST_BYTES = 256 * 1024
_MOST_INLINE = 1024
_MOST_TEXT = 5_000_000
"""What an answer holds: Lambda returns 6 MB, in which each quote of JSON is two bytes."""

_PIXELS = frozenset((PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA))
_ITEM_DELIMITATION = 0xFFFEE00D
_PIXEL_REPRESENTATION = 0x00280103

Object = dict[str, dict[str, object]]


def encode(fetch: Fetch, size: int, transfer_syntax_uid: str, url: str) -> str:
    """Return the metadata of a file of ``size`` bytes: a JSON array with one data set.

    What is left out is at ``url``. Raises NotAcceptable if more than ``MOST_READ`` would
    have to be read, or the result does not fit into an answer.
    """
    if conformance.is_deflated(transfer_syntax_uid):
        found = _of_deflated(fetch, size, url)
    else:
        window = _Window(fetch, size)
        start = _data_set_offset(window)
        implicit_vr = conformance.is_implicit_vr(transfer_syntax_uid)
        found = _data_set(window, start, implicit_vr=implicit_vr, url=url)
    text = json.dumps([found], ensure_ascii=False, separators=(",", ":"))
    if len(text.encode(errors="replace")) + text.count('"') + text.count("\\") > _MOST_TEXT:
        raise _too_large()
    return text


def _of_deflated(fetch: Fetch, size: int, url: str) -> Object:
    if size > MOST_READ:
        raise _too_large()
    content = memoryview(fetch(0, size))
    start = read_file_meta(content).data_set_offset
    inflated = Inflation(size).inflate(content[start:])
    window = _Window(lambda first, last: bytes(inflated[first:last]), len(inflated))
    return _data_set(window, 0, implicit_vr=False, url=url)


def _too_large() -> NotAcceptable:
    return NotAcceptable(
        "found more attributes than are read or fit into an answer: retrieve the instance itself"
    )


class _Window:
    """The part of a file that is in memory: ``data`` begins at ``start``."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch = fetch
        self.size = size
        self._left = MOST_READ
        self._bytes = _FIRST_BYTES
        self.start = 0
        self.data = memoryview(b"")
        self.move(0)

    @property
    def is_at_end(self) -> bool:
        return self.start + len(self.data) >= self.size

    def move(self, start: int) -> None:
        """Begin at ``start``, and have more than before if that is where it begins already."""
        if start == self.start and self.data:
            self._bytes *= 4
        end = min(start + self._bytes, self.size)
        self._left -= end - start
        if self._left < 0:
            raise _too_large()
        self.start, self.data = start, memoryview(self._fetch(start, end))


def _data_set_offset(window: _Window) -> int:
    while True:
        try:
            return read_file_meta(window.data).data_set_offset
        except InstanceRejected:
            if window.is_at_end:
                raise
        window.move(0)


def _data_set(window: _Window, position: int, *, implicit_vr: bool, url: str) -> Object:
    """Return the attributes from ``position`` up to the pixel data."""
    found: Object = {}
    reader = _Reader(window.data, url)
    while position < window.size:
        at = position - window.start
        rest = window.data[at:]
        # Of the next header, only the low byte of a group such as 6000 may be in the window.
        if (window.is_at_end or len(rest) >= IMPLICIT_HEADER.size) and is_padding(rest):
            break
        try:
            tag, attribute, end = reader.attribute(at, len(window.data), implicit_vr=implicit_vr)
        except InstanceRejected:
            if window.is_at_end:
                raise
            window.move(position)
            reader = reader.over(window.data)
            continue
        found[f"{tag:08X}"] = attribute
        if tag in _PIXELS:
            break
        position = window.start + end
        if position >= window.start + len(window.data) and position < window.size:
            window.move(position)
            reader = reader.over(window.data)
    return found


class _Reader(Headers):
    """Reads attributes in ``data``; all methods raise InstanceRejected where it ends too early."""

    def __init__(self, data: memoryview, url: str) -> None:
        super().__init__(data)
        self.url = url
        self.encodings: tuple[str, ...] = ("ascii",)
        self.is_signed = False
        self.depth = 0

    def over(self, data: memoryview) -> "_Reader":
        """Return a reader of other data that continues what this one has read."""
        other = _Reader(data, self.url)
        other.encodings, other.is_signed = self.encodings, self.is_signed
        return other

    def attribute(
        self, position: int, end: int, *, implicit_vr: bool
    ) -> tuple[int, dict[str, object], int]:
        """Return the tag, the JSON of an attribute, and where the next one begins."""
        tag, stated, length, value = self.header(position, end, implicit_vr=implicit_vr)
        vr = jsonvalues.vr_of(tag, stated, is_signed=self.is_signed)
        if tag in _PIXELS and self.depth == 0:
            return tag, {"vr": vr, "BulkDataURI": self.url}, value
        if length == UNDEFINED_LENGTH and vr in ("OB", "OW"):
            return tag, {"vr": vr, "BulkDataURI": self.url}, self.fragments(value, end)
        if length == UNDEFINED_LENGTH or vr == "SQ":
            last = end if length == UNDEFINED_LENGTH else self.within(value + length, end)
            of_unknown = stated in (None, b"UN")
            items, after = self.items(
                value, last, implicit_vr=of_unknown, delimited=length == UNDEFINED_LENGTH
            )
            return tag, {"vr": "SQ", **({"Value": items} if items else {})}, after
        after = value + length
        if vr in jsonvalues.BINARY and length > _MOST_INLINE:
            # It is not read, so it need not be in memory, but what holds it has to be.
            return tag, {"vr": vr, "BulkDataURI": self.url}, self.within(after, end, self.depth)
        return tag, self.value(tag, vr, self.data[value : self.within(after, end)]), after

    def within(self, position: int, end: int, depth: int = 1) -> int:
        """Return ``position`` if it is not after ``end``, or nothing ends there."""
        if depth and position > end:
            raise self.refusal(position, "found the end within a value")
        return position

    def value(self, tag: int, vr: str, value: memoryview) -> dict[str, object]:
        """Return the JSON of a value, and note what later values depend on."""
        if tag == SPECIFIC_CHARACTER_SET:
            self.encodings = jsonvalues.encodings(value)
            return {"vr": vr, "Value": ["ISO_IR 192"]}  # that of JSON (PS3.18 Annex F)
        if tag == _PIXEL_REPRESENTATION:
            self.is_signed = bytes(value[:1]) == b"\1"
        return {"vr": vr, **jsonvalues.encode(vr, bytes(value), self.encodings)}

    def items(
        self, position: int, end: int, *, implicit_vr: bool, delimited: bool
    ) -> tuple[list[Object], int]:
        """Return the items of a sequence (PS3.5 7.5)."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refusal(position, f"found sequences nested deeper than {MAX_DEPTH}")
        found = []
        while delimited or position < end:
            tag, length, position = self.item_header(position, end)
            if tag == SEQUENCE_DELIMITATION and delimited:
                break
            if tag != ITEM:
                raise self.refusal(position, "found no item")
            is_delimited = length == UNDEFINED_LENGTH
            last = end if is_delimited else self.within(position + length, end)
            item, position = self.item(
                position, last, implicit_vr=implicit_vr, delimited=is_delimited
            )
            found.append(item)
        self.depth -= 1
        return found, position

    def item(
        self, position: int, end: int, *, implicit_vr: bool, delimited: bool
    ) -> tuple[Object, int]:
        """Return the attributes of an item, by its own character sets or the data set's."""
        inherited, found = (self.encodings, self.is_signed), {}
        try:
            while delimited or position < end:
                if delimited and self._ends_item(position, end):
                    position += 8
                    break
                tag, attribute, position = self.attribute(position, end, implicit_vr=implicit_vr)
                if tag >> 16 == ITEM_GROUP:
                    raise self.refusal(position, "found an item in an item")
                found[f"{tag:08X}"] = attribute
        finally:
            # Also if it ends too early: what follows is then read again by another reader.
            self.encodings, self.is_signed = inherited
        return found, position

    def _ends_item(self, position: int, end: int) -> bool:
        return self.header(position, end, implicit_vr=True)[0] == _ITEM_DELIMITATION

    def fragments(self, position: int, end: int) -> int:
        """Step over encapsulated pixel data in an item, such as that of an icon (PS3.5 A.4)."""
        while True:
            tag, length, position = self.item_header(position, end)
            if tag == SEQUENCE_DELIMITATION:
                return position
            position += length

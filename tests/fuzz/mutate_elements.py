"""Change a Part 10 file by its elements: tags, VRs, lengths, order, nesting, number and values.

The reader here is not the service's: it takes what it can and leaves the rest as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from struct import pack, unpack_from

from tests.fuzz.mutations import CANARY, Chance, change_bytes, times

_UNDEFINED = 0xFFFFFFFF
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_VRS = (*_LONG, *b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split(), b"??")
_TAGS = (
    *(0x00080005, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00100010, 0x00280008),
    *(0x00280002, 0x00280004, 0x00280010, 0x00280011, 0x00280100, 0x7FE00010, 0x7FE00008),
    *(0x7FE00001, 0x7FE00002, 0x00287FE0, 0x00081140, 0x00091010, 0x00090010, 0x00080000),
    *(0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD, 0xFFFCFFFC, 0x00020010, 0x00420011, 0x60003000),
)
_VALUES = (
    *(b"", b"\0", b" ", b"1\\2", b"-1", b"1e400", b"\\" * 9, b"^^^^^", b"=", b"1.2..3", b"1.02"),
    *(b"\x1b$B", b"ISO 2022 IR 87\\ISO 2022 IR 149", b"ISO_IR 192", b"ISO_IR 13\\", b"GB18030"),
    *(b"\xff\xff", b"\xff\xff\xff\x7f", b"20261399", b"9" * 40, CANARY.encode(), bytes(64)),
)
_IMPLICIT = b"1.2.840.10008.1.2"


@dataclass(frozen=True, slots=True)
class _Element:
    """``vr`` is empty if implicit; ``length`` is declared instead of the value's own."""

    tag: int
    vr: bytes
    value: "bytes | tuple[tuple[_Element, ...], ...]"
    length: int | None = None
    undefined: bool = False


Elements = tuple[_Element, ...]


def change_elements(chance: Chance, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change one element of a file, of its data set or of its File Meta Information."""
    meta, rest = file_meta(data)
    if not meta:
        return change_bytes(chance, data, others)
    syntax = next((each.value for each in meta if each.tag == 0x00020010), b"")
    implicit = isinstance(syntax, bytes) and syntax.rstrip(b"\0 ") == _IMPLICIT
    elements, tail = read(rest, implicit=implicit)
    if chance.random() < 0.1:
        meta = _changed(chance, meta)
    else:
        elements = change_data_set(chance, elements)
    return data[:132] + write(meta) + write(elements) + tail


def file_meta(data: bytes) -> tuple[Elements, bytes]:
    """Return the File Meta Information of a file, and what comes after it."""
    if data[128:132] != b"DICM":
        return (), data
    found, _ = read(data[132:], implicit=False, group=2)
    return found, data[132 + len(write(found)) :]


def read(data: bytes, *, implicit: bool, group: int | None = None) -> tuple[Elements, bytes]:
    """Return the elements at the beginning of ``data``, and what is left."""
    found: list[_Element] = []
    position = 0
    while position + 8 <= len(data):
        high, low = unpack_from("<HH", data, position)
        if group is not None and high != group:
            break
        vr = b"" if implicit or high == 0xFFFE else data[position + 4 : position + 6]
        long = vr in _LONG
        if (vr and not vr.isalpha()) or position + 12 > len(data):
            break
        at = position + (8 if long else 6 if vr else 4)
        length = unpack_from("<I" if long or not vr else "<H", data, at)[0]
        start = at + (4 if long or not vr else 2)
        if length == _UNDEFINED or start + length > len(data):
            break
        found.append(_element(high << 16 | low, vr, data[start : start + length]))
        position = start + length
    return tuple(found), data[position:]


def _element(tag: int, vr: bytes, value: bytes) -> _Element:
    if vr != b"SQ":
        return _Element(tag, vr, value)
    items, tail = read(value, implicit=True)
    if tail or any(item.tag != 0xFFFEE000 for item in items):
        return _Element(tag, vr, value)
    values = [item.value for item in items if isinstance(item.value, bytes)]
    contents = [read(value, implicit=False) for value in values]
    if any(left for _, left in contents):
        return _Element(tag, vr, value)
    return _Element(tag, vr, tuple(found for found, _ in contents))


def write(elements: Elements) -> bytes:
    """Return the elements as bytes, with the lengths that they declare."""
    return b"".join(_written(element) for element in elements)


def _written(element: _Element) -> bytes:
    value = element.value
    if not isinstance(value, bytes):
        items = [write(each) for each in value]
        value = b"".join(pack("<HHI", 0xFFFE, 0xE000, len(each)) + each for each in items)
    length = len(value) if element.length is None else element.length
    if element.undefined:
        length, value = _UNDEFINED, value + pack("<HHI", 0xFFFE, 0xE0DD, 0)
    head = pack("<HH", element.tag >> 16, element.tag & 0xFFFF) + element.vr
    if not element.vr or element.vr in _LONG:
        padding = b"\0\0" if element.vr else b""
        return head + padding + pack("<I", length & _UNDEFINED) + value
    return head + pack("<H", min(length, 0xFFFF)) + value


def change_data_set(chance: Chance, elements: Elements) -> Elements:
    """Change an element, or, where there are items, as often one of theirs."""
    nested = list(_sequences(elements))
    if not nested or chance.random() < 0.5:
        return _changed(chance, elements)
    at, items = chance.choice(nested)
    which = chance.randrange(len(items))
    changed = (*items[:which], change_data_set(chance, items[which]), *items[which + 1 :])
    return (*elements[:at], replace(elements[at], value=changed), *elements[at + 1 :])


def _sequences(elements: Elements) -> Iterator[tuple[int, tuple[Elements, ...]]]:
    for at, element in enumerate(elements):
        if not isinstance(element.value, bytes) and element.value:
            yield at, element.value


def _changed(chance: Chance, elements: Elements) -> Elements:
    """Take one element and put none, another or several in its place."""
    if not elements:
        return (_Element(chance.choice(_TAGS), b"LO", chance.choice(_VALUES)),)
    at = chance.randrange(len(elements))
    element = elements[at]
    to = chance.randrange(len(elements))
    new: Elements = chance.choice(
        (
            lambda: (),
            lambda: (element,) * times(chance, len(write((element,)))),
            lambda: (elements[to],),
            lambda: (replace(element, tag=chance.choice((*_TAGS, element.tag + 1))),),
            lambda: (replace(element, vr=chance.choice(_VRS)),),
            lambda: (replace(element, length=_length(chance, element)),),
            lambda: (replace(element, undefined=True),),
            lambda: (replace(element, value=_value(chance, element)),),
            lambda: (_nested(chance, (element,)),),
        )
    )()
    return (*elements[:at], *new, *elements[at + 1 :])


def _length(chance: Chance, element: _Element) -> int:
    true = len(write((element,)))
    return chance.choice((0, 1, true - 1, true + 1, 0xFFFF, 0x7FFFFFFF, _UNDEFINED))


def _value(chance: Chance, element: _Element) -> "bytes | tuple[Elements, ...]":
    if not isinstance(element.value, bytes):
        return element.value * times(chance, len(write((element,))))
    if chance.random() < 0.5:
        return chance.choice(_VALUES) * chance.choice((1, 1, 1, 300))
    return change_bytes(chance, element.value, (element.value,))


def _nested(chance: Chance, content: Elements) -> _Element:
    """Put elements into an item of a sequence, in an item of a sequence, and so on."""
    undefined = chance.random() < 0.5
    for _ in range(chance.choice((1, 2, 30, 63, 64, 65))):
        content = (_Element(0x00081140, b"SQ", (content,), undefined=undefined),)
    return content[0]

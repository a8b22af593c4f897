"""Elements, items and fragments as bytes by hand, so that they can also be wrong (PS3.5 7)."""

from struct import pack

UNDEFINED = 0xFFFFFFFF
ITEM = 0xFFFEE000
ITEM_DELIMITATION = 0xFFFEE00D
SEQUENCE_DELIMITATION = 0xFFFEE0DD

_LONG = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))


def _tag(tag: int) -> bytes:
    return pack("<HH", tag >> 16, tag & 0xFFFF)


def explicit(tag: int, vr: str, value: bytes = b"", length: int | None = None) -> bytes:
    """Return an element in explicit VR; ``length`` is declared instead of the value's own."""
    declared = len(value) if length is None else length
    if vr in _LONG:
        return _tag(tag) + vr.encode() + pack("<HI", 0, declared) + value
    return _tag(tag) + vr.encode() + pack("<H", declared) + value


def implicit(tag: int, value: bytes = b"", length: int | None = None) -> bytes:
    """Return an element in implicit VR, or an item or a delimiter."""
    return _tag(tag) + pack("<I", len(value) if length is None else length) + value


def item(content: bytes = b"", *, undefined: bool = False) -> bytes:
    """Return an item of a sequence or a fragment."""
    if undefined:
        return implicit(ITEM, content, UNDEFINED) + implicit(ITEM_DELIMITATION)
    return implicit(ITEM, content)


def sequence(tag: int, *items: bytes, vr: str | None = "SQ", undefined: bool = False) -> bytes:
    """Return a sequence, or with VR OB encapsulated pixel data; VR None is implicit VR."""
    value, length = b"".join(items), None
    if undefined:
        value, length = value + implicit(SEQUENCE_DELIMITATION), UNDEFINED
    return implicit(tag, value, length) if vr is None else explicit(tag, vr, value, length)


def nested(depth: int, *, vr: str | None = "SQ", undefined: bool = True) -> bytes:
    """Return a sequence in a sequence in a sequence, ``depth`` of them."""
    inner = None if vr == "UN" else vr
    made = b""
    for level in range(depth, 0, -1):
        content = item(made, undefined=undefined)
        made = sequence(0x00400275, content, vr=inner if level > 1 else vr, undefined=undefined)
    return made

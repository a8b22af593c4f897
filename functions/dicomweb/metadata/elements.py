r"""Make elements from values as metadata states them, each by its VR (PS3.5 6.2).

Numbers come as numbers or as text and are checked against what the VR can hold. Text is kept as
it was sent, even if it does not conform (too long, an invalid date or number, a code string with
letters outside the default repertoire), just as in an instance that is sent as a file. Only what
cannot be encoded is refused: a number out of range, text in a binary VR, a number in a sequence.
A backslash separates values, because that is what it means in an instance.
"""

import binascii
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from math import isinf
from typing import cast

from dicomweb.metadata.dataelements import Element
from dicomweb.metadata.metadata import NotUnderstood
from dicomweb.metadata.numbers import (
    BLANKS,
    LONGEST_DS,
    decimal_string,
    integer,
    integer_string,
    number_text,
    real,
    trimmed,
)

BINARY = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
"""The VRs whose value may be inline binary in metadata (PS3.18 F.2.7)."""

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_HEXADECIMAL_TAG = re.compile(r"[0-9A-Fa-f]{8}")


def tag_number(text: str) -> int:
    """Return the tag for eight hexadecimal digits, in upper or lower case.

    Raises NotUnderstood for anything else, such as a keyword.
    """
    if not _HEXADECIMAL_TAG.fullmatch(text):
        raise NotUnderstood("found an invalid tag, expected 8 hexadecimal digits")
    return int(text, 16)


def empty_element(vr: str) -> Element:
    """Return the element of zero length."""
    return Element(vr, [] if vr == "SQ" else "" if vr in TEXT else b"")


def binary_element(vr: str, base64: str) -> Element:
    """Return the element whose whole Value Field, in Little Endian, is the given base64.

    White space in it is ignored, as XML Schema's base64Binary allows. Raises NotUnderstood if the
    rest is not base64, or if the VR does not allow inline binary.
    """
    if vr not in BINARY:
        raise NotUnderstood(f"found inline binary, which VR {vr} does not allow")
    return Element(vr, inline_binary(base64))


def inline_binary(base64: str) -> bytes:
    """Return the bytes of inline binary; raises NotUnderstood if it is not base64."""
    digits = base64.translate(_WHITE_SPACE)
    if not _BASE64.fullmatch(digits):
        raise NotUnderstood("found inline binary that is not base64")
    return binascii.a2b_base64(digits)


def value_element(tag: int, vr: str, values: Sequence[object]) -> Element:
    """Return the element with these values: text, numbers, or None for an empty one.

    Raises NotUnderstood if one of them cannot be a value of this VR.
    """
    if vr in TEXT:
        blocks = (values[start : start + _BLOCK] for start in range(0, len(values), _BLOCK))
        return Element(vr, "\\".join("\\".join(_texts(vr, block)) for block in blocks))
    if vr == "SS" and tag in _LUT_DESCRIPTORS and len(values) > 1:
        return Element(vr, _first_of_lut_descriptor(values[0]) + _packed(vr, values[1:]))
    if vr in FORMATS:
        return Element(vr, b"" if _is_empty(values) else _packed(vr, values))
    raise NotUnderstood(f"found a value in a form that VR {vr} does not allow")


def person_name(groups: Sequence[str]) -> str:
    """Return a PN value from its alphabetic, ideographic and phonetic groups (PS3.5 6.2.1).

    Some senders write the whole name, with equals signs, as the first group. Raises NotUnderstood
    for an equals sign in one of several groups, because it would start another group.
    """
    if sum(map(bool, groups)) > 1 and any("=" in group for group in groups):
        raise NotUnderstood("found an equals sign in a component group of a person name")
    return "=".join(groups).rstrip("=")


def _texts(vr: str, values: Sequence[object]) -> Iterable[str]:
    """Return each value as text; values that are all strings, or all integers, take a short way."""
    types = set(map(type, values))
    if types == {str}:
        texts = cast("Sequence[str]", values)
        return [text.strip(BLANKS) for text in texts] if vr in _TRIMMED else texts
    if types == {int} and (vr != "DS" or max(map(len, map(str, values))) <= LONGEST_DS):
        return map(str, values)
    return map(_TEXTS[vr], values)


def _is_empty(values: Sequence[object]) -> bool:
    return len(values) == 1 and trimmed(values[0]) in (None, "")


def _packed(vr: str, values: Sequence[object]) -> bytes:
    """Return the bytes of numbers, none of which may be empty.

    Numbers of the right type are packed at once: a megabyte may hold half a million of them.
    """
    if vr != "AT" and set(map(type, values)) <= ({int, float} if vr in _REAL else {int}):
        numbers = cast("Sequence[float]", values)
        with suppress(struct.error, OverflowError):
            packed = struct.pack(f"<{len(numbers)}{FORMATS[vr]}", *numbers)
            if vr not in _REAL or not any(map(isinf, numbers)):
                return packed
        return _packed_one_by_one(vr, (min(numbers), max(numbers)))  # one is out of range
    return _packed_one_by_one(vr, values)


def _packed_one_by_one(vr: str, values: Sequence[object]) -> bytes:
    blocks = (values[start : start + _BLOCK] for start in range(0, len(values), _BLOCK))
    return b"".join(_packed_block(vr, block) for block in blocks)


def _packed_block(vr: str, values: Sequence[object]) -> bytes:
    numbers = list(map(_NUMBERS[vr], values))
    if None in numbers:
        raise NotUnderstood(f"found an empty value among several, which VR {vr} does not allow")
    return struct.pack(f"<{len(numbers)}{FORMATS[vr]}", *numbers)


def _first_of_lut_descriptor(value: object) -> bytes:
    """Return the bytes of the first number, which is never signed (PS3.3 C.11.1.1.1).

    dcmtk writes it signed, as the VR says, and pydicom unsigned.
    """
    entries = integer(-(2**15), 2**16 - 1, value)
    return _packed("US", [None if entries is None else entries & 0xFFFF])


def _text(value: object) -> str:
    """Return text as it is, and a number as its digits: JavaScript senders write some as numbers.

    Raises NotUnderstood for anything else.
    """
    if value is None:
        return ""
    return value if isinstance(value, str) else number_text(value)


def _trimmed_text(value: object) -> str:
    return _text(trimmed(value))


def _attribute_tag(value: object) -> int | None:
    """Return a tag as the number whose four bytes it is: its group, then its element."""
    text = trimmed(value)
    if not isinstance(text, str | None):
        raise NotUnderstood("found a tag that is not 8 hexadecimal digits")
    if not text:
        return None
    tag = tag_number(text)
    return tag >> 16 | (tag & 0xFFFF) << 16


_BLOCK = 10_000
"""So many values are converted at the same time: a number takes 32 bytes, a text 50 and more."""

_WHITE_SPACE = dict.fromkeys(map(ord, " \t\r\n\f\v"))
_LUT_DESCRIPTORS = frozenset((0x00281101, 0x00281102, 0x00281103, 0x00283002))

NUMBER_STRINGS = frozenset(("DS", "IS"))

_TEXTS: dict[str, Callable[[object], str]] = {
    **dict.fromkeys(("AE", "AS", "CS", "DA", "DT", "TM", "UI", "UR"), _trimmed_text),
    **dict.fromkeys(("LO", "LT", "PN", "SH", "ST", "UC", "UT"), _text),
    "DS": decimal_string,
    "IS": integer_string,
}
_TRIMMED = frozenset(vr for vr, read in _TEXTS.items() if read is not _text)

TEXT = frozenset(_TEXTS)
"""The VRs whose value is text."""

_NUMBERS: dict[str, Callable[[object], float | None]] = {
    "AT": _attribute_tag,
    "FD": partial(real, "<d"),
    "FL": partial(real, "<f"),
    "SL": partial(integer, -(2**31), 2**31 - 1),
    "SS": partial(integer, -(2**15), 2**15 - 1),
    "SV": partial(integer, -(2**63), 2**63 - 1),
    "UL": partial(integer, 0, 2**32 - 1),
    "US": partial(integer, 0, 2**16 - 1),
    "UV": partial(integer, 0, 2**64 - 1),
}
_REAL = frozenset(("FD", "FL"))

FORMATS = {
    "AT": "I",
    "FD": "d",
    "FL": "f",
    "SL": "i",
    "SS": "h",
    "SV": "q",
    "UL": "I",
    "US": "H",
    "UV": "Q",
}
"""The VRs whose value is numbers, and how ``struct`` names these."""

VALUE_REPRESENTATIONS = BINARY.union(_TEXTS, _NUMBERS, ("SQ",))
"""The VRs of PS3.5 Table 6.2-1."""

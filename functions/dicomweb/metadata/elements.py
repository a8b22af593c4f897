r"""Make elements from values as metadata states them, each by its VR (PS3.5 6.2).

Numbers come as numbers or as text and are checked against what the VR can hold. Text is kept as
it was sent, even if it does not conform (too long, an invalid date or number, a code string with
letters outside the default repertoire), just as in an instance that is sent as a file. Only what
cannot be encoded is refused: a number out of range, text in a binary VR, a number in a sequence.
A backslash separates values, because that is what it means in an instance.
"""

import binascii
import re
from collections.abc import Callable, Sequence
from functools import partial

from pydicom.config import IGNORE
from pydicom.dataelem import DataElement, empty_value_for_VR

from dicomweb.metadata.metadata import NotUnderstood
from dicomweb.metadata.numbers import (
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


def empty_element(tag: int, vr: str) -> DataElement:
    """Return the element of zero length."""
    return _element(tag, vr, empty_value_for_VR(vr))


def binary_element(tag: int, vr: str, base64: str) -> DataElement:
    """Return the element whose whole Value Field, in Little Endian, is the given base64.

    White space in it is ignored, as XML Schema's base64Binary allows. Raises NotUnderstood if the
    rest is not base64, or if the VR does not allow inline binary.
    """
    if vr not in BINARY:
        raise NotUnderstood(f"found inline binary, which VR {vr} does not allow")
    digits = "".join(base64.split())
    if not _BASE64.fullmatch(digits):
        raise NotUnderstood("found inline binary that is not base64")
    return _element(tag, vr, binascii.a2b_base64(digits))


def value_element(tag: int, vr: str, values: Sequence[object]) -> DataElement:
    """Return the element with these values: text, numbers, or None for an empty one.

    Raises NotUnderstood if one of them cannot be a value of this VR.
    """
    read_number = _NUMBERS.get(vr)
    if vr == "SS" and tag in _LUT_DESCRIPTORS and len(values) > 1:
        return _numbers_element(tag, vr, _lut_descriptor(values))
    if read_number:
        return _numbers_element(tag, vr, [read_number(value) for value in values])
    read_text = _TEXTS.get(vr)
    if not read_text:
        raise NotUnderstood(f"found a value in a form that VR {vr} does not allow")
    text = "\\".join(read_text(value) for value in values)
    if vr in NUMBER_STRINGS:
        return set_string(empty_element(tag, vr), text)
    return _element(tag, vr, text)


def set_string(element: DataElement, text: str) -> DataElement:
    """Set this text as the whole Value Field of an element, and return the element.

    pydicom converts DS and IS to numbers and refuses invalid ones; it does not convert UT.
    """
    vr, element.VR = element.VR, "UT"
    element.value = text
    element.VR = vr
    return element


def person_name(groups: Sequence[str]) -> str:
    """Return a PN value from its alphabetic, ideographic and phonetic groups (PS3.5 6.2.1).

    Some senders write the whole name, with equals signs, as the first group. Raises NotUnderstood
    for an equals sign in one of several groups, because it would start another group.
    """
    if sum(map(bool, groups)) > 1 and any("=" in group for group in groups):
        raise NotUnderstood("found an equals sign in a component group of a person name")
    return "=".join(groups).rstrip("=")


def _element(tag: int, vr: str, value: object) -> DataElement:
    """Return an element that is not validated.

    When pydicom makes an element of VR UN, it changes the VR to that of its dictionary, without
    decoding the value; here the VR stays as it was sent.
    """
    element = DataElement(tag, "OB" if vr == "UN" else vr, value, validation_mode=IGNORE)
    element.VR = vr
    return element


def _numbers_element(tag: int, vr: str, numbers: Sequence[float | None]) -> DataElement:
    if len(numbers) == 1:
        return _element(tag, vr, numbers[0])
    if None in numbers:
        raise NotUnderstood(f"found an empty value among several, which VR {vr} does not allow")
    return _element(tag, vr, list(numbers) or None)


def _lut_descriptor(values: Sequence[object]) -> list[int | None]:
    """Return the numbers of a descriptor; the first one is never signed (PS3.3 C.11.1.1.1).

    dcmtk writes it signed, as the VR says, and pydicom unsigned.
    """
    entries = integer(-(2**15), 2**16 - 1, values[0])
    others = [integer(-(2**15), 2**15 - 1, value) for value in values[1:]]
    return [None if entries is None else entries & 0xFFFF, *others]


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
    text = trimmed(value)
    if not isinstance(text, str | None):
        raise NotUnderstood("found a tag that is not 8 hexadecimal digits")
    return tag_number(text) if text else None


_LUT_DESCRIPTORS = frozenset((0x00281101, 0x00281102, 0x00281103, 0x00283002))


NUMBER_STRINGS = frozenset(("DS", "IS"))

_TEXTS: dict[str, Callable[[object], str]] = {
    **dict.fromkeys(("AE", "AS", "CS", "DA", "DT", "TM", "UI", "UR"), _trimmed_text),
    **dict.fromkeys(("LO", "LT", "PN", "SH", "ST", "UC", "UT"), _text),
    "DS": decimal_string,
    "IS": integer_string,
}

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

VALUE_REPRESENTATIONS = BINARY.union(_TEXTS, _NUMBERS, ("SQ",))
"""The VRs of PS3.5 Table 6.2-1."""

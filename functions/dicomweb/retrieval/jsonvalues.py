"""Values as the DICOM JSON Model has them (PS3.18 Table F.2.3-1)."""

import math
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from struct import Struct, error

from pydicom.datadict import dictionary_has_tag, dictionary_VR

from dicomweb import repertoires

BINARY = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
"""The VRs whose values are bulk data if they are long, and else in base64."""

_NUMBERS = {
    "FD": Struct("<d"),
    "FL": Struct("<f"),
    "SL": Struct("<i"),
    "SS": Struct("<h"),
    "SV": Struct("<q"),
    "UL": Struct("<I"),
    "US": Struct("<H"),
    "UV": Struct("<Q"),
}
_TAG = Struct("<HH")
_PRIVATE_CREATORS = range(0x0010, 0x0100)
"""The element numbers of private creators (PS3.5 7.8.1)."""
_TEXT_OF_ONE_VALUE = frozenset(("LT", "ST", "UR", "UT"))
_IN_SETS = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_LONGEST_NUMBER = 64
"""A Decimal String has at most 16 characters (PS3.5 Table 6.2-1); some senders write a few more."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,15}")
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def vr_of(tag: int, stated: bytes | None, *, is_signed: bool) -> str:
    """Return the VR of an element: as it is stated, or in implicit VR as the dictionary has it.

    ``is_signed`` decides where the dictionary leaves open whether a number has a sign.
    """
    if stated is not None:
        return stated.decode("ascii")
    if tag & 0xFFFF == 0:
        return "UL"  # a group length
    if tag >> 16 & 1:
        return "LO" if tag & 0xFFFF in _PRIVATE_CREATORS else "UN"
    if not dictionary_has_tag(tag):
        return "UN"
    known = dictionary_VR(tag)
    if "SS" in known and "US" in known:
        return "SS" if is_signed else "US"
    return "OW" if "OW" in known else known


def encodings(value: memoryview) -> tuple[str, ...]:
    """Return the encodings for a value of Specific Character Set (0008,0005)."""
    return repertoires.encodings(bytes(value).decode("ascii", "replace").split("\\"))


def encode(vr: str, value: bytes, encodings: Sequence[str]) -> dict[str, object]:
    """Return Value or InlineBinary of a value that is not a sequence; nothing if it is empty.

    What is invalid is shown as well as it can be: a number that cannot be read is text, and text
    that cannot be decoded has replacement characters.
    """
    if vr in _NUMBERS or vr == "AT":
        try:
            found = list(_unpacked(vr, value))
        except error:  # a length that is no multiple
            return {"InlineBinary": b64encode(value).decode()}
        return {"Value": found} if found else {}
    if vr in BINARY or vr not in _TEXTS:
        return {"InlineBinary": b64encode(value).decode()} if value else {}
    text = _decoded(vr, value, encodings)
    if not text:
        return {}
    texts = [text] if vr in _TEXT_OF_ONE_VALUE else text.split("\\")
    return {"Value": [_value(vr, each) for each in texts]}


_TEXTS = _IN_SETS | frozenset(("AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"))


def _unpacked(vr: str, value: bytes) -> Iterator[object]:
    if vr == "AT":
        for group, element in _TAG.iter_unpack(value):
            yield f"{group:04X}{element:04X}"
        return
    for (number,) in _NUMBERS[vr].iter_unpack(value):
        # JSON has neither; Annex F has them as text.
        yield number if math.isfinite(number) else _not_finite(number)


def _not_finite(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _decoded(vr: str, value: bytes, encodings: Sequence[str]) -> str:
    known = encodings if vr in _IN_SETS else ("ascii",)
    try:
        text = repertoires.decode(value, known, is_name=vr == "PN")
    except ValueError:
        text = value.decode(known[0], "replace")
    return text.rstrip(" \0") if vr in _TEXT_OF_ONE_VALUE else text.strip(" \0")


def _value(vr: str, text: str) -> object:
    text = text if vr in _TEXT_OF_ONE_VALUE else text.strip(" \0")
    if not text:
        return None
    if vr == "PN":
        groups = zip(_GROUPS, text.split("="), strict=False)
        return {name: group for name, group in groups if group}
    if vr == "IS" and _INTEGER.fullmatch(text):
        return int(text)
    if vr == "DS" and len(text) <= _LONGEST_NUMBER and _DECIMAL.fullmatch(text):
        return _decimal(text)
    return text


def _decimal(text: str) -> object:
    if "." not in text and "e" not in text.lower():
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else text  # JSON has no such number

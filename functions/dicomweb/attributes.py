"""Decode the attributes that the index keeps: what QIDO-RS returns (PS3.18 10.6.3.3).

Text becomes Unicode by the instance's own character sets (PS3.5 6.1, PS3.3 C.12.1.1.2). The
index holds what a reader would show, valid or not. The index is not the instance: a value that
cannot be decoded or read, or is far too long, is left out of the index and counted. It is never
a reason to refuse.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice

from dicomweb import repertoires
from dicomweb.errors import InstanceRejected
from dicomweb.part10.walker import Element, items, walk
from dicomweb.returnattributes import (
    INSTANCE,
    REQUEST,
    SERIES,
    SPECIFIC_CHARACTER_SET,
    STUDY,
    Attribute,
)

IndexValue = str | int | list["IndexValue"] | dict[str, "IndexValue"]

TAGS = frozenset(tag for tag, _, _ in chain(STUDY, SERIES, INSTANCE))

_IN_ITEM = frozenset((SPECIFIC_CHARACTER_SET, *(tag for tag, _, _ in REQUEST)))
_MAX_ITEMS = 16
_MAX_BYTES = 4096
"""Far more than any valid text or number here; the output of a deflate bomb is not decoded."""

_DATE = re.compile(r"([0-9]{4})(?:[./-]?([0-9]{2}))?(?:[./-]?([0-9]{2}))?")
_TIME = re.compile(r"([0-9]{2}):?([0-9]{2})?:?([0-9]{2})?(\.[0-9]+)?")
"""With the delimiters of ACR-NEMA, of which PS3.5 Table 6.2-1 tells, and of ISO 8601."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,12}")
_DIGITS = frozenset("0123456789")
_OF_NUMBERS = _DIGITS.union("+-.,eE\\ ")
_WHOLE = re.compile(r"([+-]?[0-9]{1,12})\.0*")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexAttributes:
    """The QIDO-RS return attributes of an instance, by level.

    Keys are attribute keywords; values are Unicode text, integers, lists of either, or for a
    sequence a list of such mappings. ``left_out`` has the keywords of attributes whose value
    could not be read, also of those in the items of a sequence.
    """

    study: Mapping[str, IndexValue] = field(default_factory=dict)
    series: Mapping[str, IndexValue] = field(default_factory=dict)
    instance: Mapping[str, IndexValue] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()


def index_attributes(elements: Mapping[int, Element]) -> IndexAttributes:
    """Decode for each level the attributes in ``elements``, which has those of TAGS that exist."""
    decoder = _Decoder(elements)
    return IndexAttributes(
        study=decoder.level(elements, STUDY),
        series=decoder.level(elements, SERIES),
        instance=decoder.level(elements, INSTANCE),
        left_out=frozenset(decoder.left_out),
    )


def integer(element: Element | None, vr: str) -> int | None:
    """Return the value of a single IS or US element, or None if it is absent or none.

    An integer string with a decimal point is read if no digit but 0 follows.
    """
    if element is None:
        return None
    try:
        if vr == "US":
            return _unsigned_short(element.value)
        found = _integer_string(element.value)
    except ValueError:
        return None
    if isinstance(found, int):
        return found
    whole = _WHOLE.fullmatch(found)
    return int(whole[1]) if whole else None


def _unsigned_short(value: memoryview) -> int:
    if len(value) != 2:  # noqa: PLR2004 - the bytes of a US, PS3.5 Table 6.2-1
        raise ValueError
    return int.from_bytes(value, "little")


def _integer_string(value: memoryview) -> int | str:
    """Return the integer, or any other number or numbers as the text that it is."""
    text = _bounded(value).decode("ascii").strip(" \0")
    if _INTEGER.fullmatch(text) and -(2**31) <= int(text) < 2**31:
        return int(text)
    if text and not (_OF_NUMBERS.issuperset(text) and _DIGITS.intersection(text)):
        raise ValueError
    return text


def _bounded(value: memoryview) -> bytes:
    if len(value) > _MAX_BYTES:
        raise ValueError
    return value.tobytes()


class _Decoder:
    """Decodes values by the character sets of one data set, and notes what it cannot."""

    def __init__(self, elements: Mapping[int, Element]) -> None:
        self.left_out: set[str] = set()
        self.encodings = _encodings(elements.get(SPECIFIC_CHARACTER_SET))

    def level(
        self, elements: Mapping[int, Element], attributes: tuple[Attribute, ...]
    ) -> dict[str, IndexValue]:
        found: dict[str, IndexValue] = {}
        for tag, keyword, vr in attributes:
            element = elements.get(tag)
            if element is None or not element.value:
                continue
            try:
                value = self.value(element, vr)
            except (ValueError, InstanceRejected):
                self.left_out.add(keyword)
                continue
            if value not in ("", []):
                found[keyword] = value
        return found

    def value(self, element: Element, vr: str) -> IndexValue:
        match vr:
            case "US":
                return _unsigned_short(element.value)
            case "IS":
                return _integer_string(element.value)
            case "SQ":
                return self.sequence(element)
        value = _bounded(element.value)
        if element.tag == SPECIFIC_CHARACTER_SET:
            return [repertoires.term(term) for term in value.decode("ascii").split("\\")]
        return _text(value, vr, self.encodings)

    def sequence(self, element: Element) -> IndexValue:
        data_sets = list(islice(items(element), _MAX_ITEMS + 1))
        if len(data_sets) > _MAX_ITEMS:
            raise ValueError
        implicit_vr = element.vr != "SQ"
        kept = [
            self.item(walk(item, start=0, implicit_vr=implicit_vr, wanted=_IN_ITEM).elements)
            for item in data_sets
        ]
        return [attributes for attributes in kept if attributes]

    def item(self, elements: Mapping[int, Element]) -> dict[str, IndexValue]:
        """Decode an item by its own character sets, or those of the data set (PS3.5 7.5.3)."""
        inherited = self.encodings
        if SPECIFIC_CHARACTER_SET in elements:
            self.encodings = _encodings(elements[SPECIFIC_CHARACTER_SET])
        attributes = self.level(elements, REQUEST)
        self.encodings = inherited
        return attributes


@lru_cache(maxsize=256)
def _text(value: bytes, vr: str, encodings: tuple[str, ...]) -> str:
    """Return a text; of a study and of a series, most instances bring the same again."""
    text = repertoires.decode(value, encodings, is_name=vr == "PN").strip(" \0")
    match vr:
        case "PN":
            return text.rstrip(" \0=")
        case "CS":
            return text.upper()
        case "DA":
            return _undelimited(_DATE, text)
        case "TM":
            return _undelimited(_TIME, text)
    return text


def _undelimited(pattern: re.Pattern[str], text: str) -> str:
    """Return a date or a time without its delimiters; raises ValueError if it is none."""
    if not text:
        return text
    found = pattern.fullmatch(text)
    if not found:
        raise ValueError
    return "".join(filter(None, found.groups()))


def _encodings(element: Element | None) -> tuple[str, ...]:
    raw = bytes(element.value[:_MAX_BYTES]).decode("ascii", errors="replace") if element else ""
    return repertoires.encodings(raw.split("\\"))

"""Keep the character sets that metadata declares if they can hold its text (PS3.5 6.1).

Metadata is Unicode, whatever its Specific Character Set (0008,0005) says; that is the set in which
the instance is to be written. If it is unknown, or if one text cannot be written in it, the whole
instance is written in UTF-8 and declares it: ISO_IR 192 at the top, and no other set in items.
"""

from collections.abc import Iterator, Sequence

from pydicom import charset
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName

from dicomweb import repertoires
from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason

UTF8 = "ISO_IR 192"
SPECIFIC_CHARACTER_SET = 0x00080005

DEFAULT_REPERTOIRE = frozenset(("AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"))
"""The VRs of text that has no other letters than those of ASCII, by PS3.5 6.2; files have them."""

_TEXT = DEFAULT_REPERTOIRE.union(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))


def encodings_of(data_set: Dataset, parents: Sequence[str]) -> Sequence[str]:
    """Return the Python encodings of the data set, which may be an item; none if unknown.

    An item that declares none has those of its parents (PS3.3 C.12.1.1.2).
    """
    if SPECIFIC_CHARACTER_SET not in data_set:
        return parents
    terms = [term or "ISO_IR 6" for term in _texts(data_set[SPECIFIC_CHARACTER_SET])]
    if not all(map(repertoires.is_known, terms)):
        return ()
    if len(terms) > 1 and not set(terms).isdisjoint(charset.STAND_ALONE_ENCODINGS):
        return ()
    return repertoires.encodings(terms)


def walk(
    data_set: Dataset, parents: Sequence[str] = ("ascii",)
) -> Iterator[tuple[Dataset, Sequence[str]]]:
    """Yield the data set and the items in it, each with its encodings."""
    encodings = encodings_of(data_set, parents)
    yield data_set, encodings
    for element in data_set:
        if element.VR == "SQ":
            for item in element.value:
                yield from walk(item, encodings)


def settle(data_set: Dataset) -> None:
    """Change the data set to UTF-8 throughout if its text cannot be written as it declares."""
    data_sets = list(walk(data_set))
    if all(_holds(encodings, texts) for texts, encodings in data_sets):
        return
    for item, _ in data_sets:
        if SPECIFIC_CHARACTER_SET in item:
            del item[SPECIFIC_CHARACTER_SET]
    data_set.SpecificCharacterSet = UTF8


def decode(value: bytes, encodings: Sequence[str]) -> str:
    """Decode text that came as bulk data; raises InstanceRejected (C000) if it cannot be."""
    try:
        return repertoires.decode_once(
            value, list(encodings) or ["ascii"], repertoires.TEXT_DELIMITERS
        )
    except (ValueError, LookupError) as error:
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            "found bulk data for a text VR that cannot be decoded, expected text in the character"
            " set of the metadata",
        ) from error


def _holds(encodings: Sequence[str], data_set: Dataset) -> bool:
    texts = (text for element in data_set if element.VR in _TEXT for text in _texts(element))
    return bool(encodings) and all(text.isascii() or _survives(text, encodings) for text in texts)


def _texts(element: DataElement) -> list[str]:
    """Return the values as text; person names are split where encodings may change."""
    if not element.value:
        return []
    values = [element.value] if element.VM == 1 else list(element.value)
    if element.VR != "PN":
        return [str(value) for value in values]
    return [part for name in values for part in str(PersonName(name)).replace("=", "^").split("^")]


def _survives(text: str, encodings: Sequence[str]) -> bool:
    """Tell whether text that is written in these encodings reads back the same."""
    if len(encodings) == 1 and encodings[0] not in charset.custom_encoders:
        try:
            text.encode(encodings[0])
        except UnicodeError:
            return False
        return True
    try:
        # What cannot be encoded is replaced, and so differs when it is read.
        encoded = charset.encode_string(text, list(encodings))
        decoded = repertoires.decode_once(encoded, encodings, repertoires.TEXT_DELIMITERS)
    except ValueError:
        return False
    return decoded == text

r"""Keep the character sets that metadata declares if they can hold its text (PS3.5 6.1).

Metadata is Unicode, whatever its Specific Character Set (0008,0005) says; that is the set in which
the instance is to be written. If it is unknown, or if one text cannot be written in it, the whole
instance is written in UTF-8 and declares it: ISO_IR 192 at the top, and no other set in items.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydicom import charset

from dicomweb.errors import InstanceRejected
from dicomweb.metadata import codeextensions
from dicomweb.metadata.codeextensions import CodeExtensions
from dicomweb.metadata.dataelements import DataSet, Element
from dicomweb.reasons import FailureReason
from dicomweb.repertoires import DEFAULT_REPERTOIRE, ENCODINGS, is_known
from dicomweb.returnattributes import SPECIFIC_CHARACTER_SET
from dicomweb.timelimit import FOREVER, TimeLimit

UTF8 = "ISO_IR 192"

_MAX_ESCAPES = 50_000
"""In one value of bulk data; each is decoded by itself."""


def encodings_of(data_set: DataSet, parents: Sequence[str]) -> Sequence[str]:
    """Return the Python encodings of the data set, which may be an item; none if unknown.

    An item that declares none has those of its parents (PS3.3 C.12.1.1.2).
    """
    element = data_set.get(SPECIFIC_CHARACTER_SET)
    if element is None:
        return parents
    if not isinstance(element.value, str):
        return ()
    first, *others = element.value.split("\\")
    terms = dict.fromkeys(term for term in others if term not in DEFAULT_REPERTOIRE)
    if not all(map(is_known, (first, *terms))):
        return ()
    if others and set(charset.STAND_ALONE_ENCODINGS) & {first, *others}:
        return ()
    encodings = dict.fromkeys(ENCODINGS[term] for term in terms)
    return ("ascii" if first in DEFAULT_REPERTOIRE else ENCODINGS[first], *encodings)


def walk(
    data_set: DataSet, parents: Sequence[str] = ("ascii",)
) -> Iterator[tuple[DataSet, Sequence[str]]]:
    """Yield the data set and the items in it that are not empty, each with its encodings."""
    following = [(data_set, parents)]
    while following:
        item, inherited = following.pop()
        encodings = encodings_of(item, inherited)
        yield item, encodings
        for element in item.values():
            if isinstance(element.value, list):
                following.extend((below, encodings) for below in reversed(element.value) if below)


def encodings_of_holders(
    data_set: DataSet, holders: Iterable[DataSet]
) -> Mapping[int, Sequence[str]]:
    """Return the encodings of some items of the data set, or of itself, by their ``id``."""
    wanted = set(map(id, holders))
    return (
        {id(each): known for each, known in walk(data_set) if id(each) in wanted} if wanted else {}
    )


def settle(data_set: DataSet, time_limit: TimeLimit = FOREVER) -> None:
    """Encode the text that is not ASCII: as declared, or all of it in UTF-8 if that fails."""
    encoder = _Encoder(time_limit)
    data_sets = list(walk(data_set))
    try:
        encoded = [each for known in data_sets for each in encoder.encode(*known)]
    except UnicodeError:
        for item, _ in data_sets:
            item.pop(SPECIFIC_CHARACTER_SET, None)
        data_set[SPECIFIC_CHARACTER_SET] = Element("CS", UTF8)
        encoded = [each for item, _ in data_sets for each in encoder.encode(item, ("utf-8",))]
    for element, value in encoded:
        element.value = value


def decode(value: bytes, encodings: Sequence[str]) -> str:
    """Decode text that came as bulk data; raises InstanceRejected (C000) if it cannot be."""
    try:
        if charset.ESC not in value:
            return value.decode((*encodings, "ascii")[0])
        if value.count(charset.ESC) <= _MAX_ESCAPES:
            return codeextensions.decode(value, encodings or ("ascii",))
    except (ValueError, LookupError) as error:
        raise _undecodable() from error
    raise _undecodable()


def _undecodable() -> InstanceRejected:
    return InstanceRejected(
        FailureReason.CANNOT_UNDERSTAND,
        "found bulk data for a text VR that cannot be decoded, expected text in the character set"
        f" of the metadata, with at most {_MAX_ESCAPES} escape sequences",
    )


class _Encoder:
    """Encodes the texts of an instance, each by the encodings of its data set or item."""

    def __init__(self, time_limit: TimeLimit) -> None:
        self._time_limit = time_limit
        self._extensions: dict[Sequence[str], CodeExtensions] = {}

    def encode(
        self, data_set: DataSet, encodings: Sequence[str]
    ) -> Iterator[tuple[Element, bytes]]:
        """Yield each element that is not ASCII, and its value; raises UnicodeError."""
        if not encodings:
            raise UnicodeError
        for element in data_set.values():
            self._time_limit.check()
            if isinstance(element.value, str) and not element.value.isascii():
                yield element, self._value(element.value, element.vr, encodings)

    def _value(self, text: str, vr: str, encodings: Sequence[str]) -> bytes:
        if len(encodings) == 1 and encodings[0] not in charset.custom_encoders:
            return text.encode(encodings[0])
        if encodings not in self._extensions:
            self._extensions[encodings] = CodeExtensions(encodings)
        return self._extensions[encodings].encode(text, vr)

"""Make the value of an element from its bulk data: a whole Value Field without its length.

Numbers are Little Endian, and text is in the character set that the metadata declares for its
place (PS3.19 A.1.5, PS3.18 8.7.3). Text is decoded, because the instance may be written in
another character set.
"""

import struct
from collections.abc import Sequence

from pydicom.dataelem import DataElement

from dicomweb.envelope.mediatypes import OCTET_STREAM
from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import InstanceRejected
from dicomweb.metadata.bulkdata import media_type_of
from dicomweb.metadata.charactersets import decode
from dicomweb.metadata.elements import NUMBER_STRINGS, set_string
from dicomweb.part10.walker import PIXEL_DATA
from dicomweb.reasons import FailureReason

_FORMATS = {
    "FD": "d",
    "FL": "f",
    "SL": "i",
    "SS": "h",
    "SV": "q",
    "UL": "I",
    "US": "H",
    "UV": "Q",
}
_TEXT = frozenset(("LT", "ST", "UC", "UT"))


def set_value(element: DataElement, part: BodyPart, encodings: Sequence[str]) -> None:
    """Set the value of an element that was empty.

    Raises InstanceRejected: C000 if the bytes are not a value of its VR, C122 for a compressed
    icon, because its transfer syntax would have to be that of the image.
    """
    media_type = media_type_of(part)
    if element.tag == PIXEL_DATA and media_type.essence != OCTET_STREAM:
        raise InstanceRejected(
            FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED,
            "found compressed pixel data in an item, expected uncompressed pixel data",
        )
    if element.VR in NUMBER_STRINGS:
        set_string(element, decode(bytes(part.content), encodings).rstrip(" \0"))
        return
    try:
        element.value = _value(element.VR, part.content, encodings)
    except (ValueError, OverflowError, struct.error) as error:
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            f"found invalid bulk data for ({element.tag.group:04X},{element.tag.element:04X}),"
            f" expected a value of VR {element.VR}",
        ) from error


def _value(vr: str, value: memoryview, encodings: Sequence[str]) -> object:
    if vr in _FORMATS:
        size = struct.calcsize(_FORMATS[vr])
        numbers = struct.unpack(f"<{len(value) // size}{_FORMATS[vr]}", value)
        return numbers[0] if len(numbers) == 1 else list(numbers)
    if vr in _TEXT:
        return decode(bytes(value), encodings)
    return bytes(value)

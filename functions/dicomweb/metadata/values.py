"""Make the value of an element from its bulk data: a whole Value Field without its length.

Numbers are Little Endian, and text is in the character set that the metadata declares for its
place (PS3.19 A.1.5, PS3.18 8.7.3). Text is decoded, because the instance may be written in
another character set.
"""

import struct
from collections.abc import Sequence
from sys import getsizeof

from pydicom.charset import ESC

from dicomweb.envelope.mediatypes import OCTET_STREAM
from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import InstanceRejected
from dicomweb.metadata.budget import Budget
from dicomweb.metadata.bulkdata import media_type_of
from dicomweb.metadata.charactersets import decode
from dicomweb.metadata.dataelements import DataSet
from dicomweb.metadata.elements import FORMATS, NUMBER_STRINGS, TEXT
from dicomweb.part10.headers import tag_text
from dicomweb.part10.walker import PIXEL_DATA
from dicomweb.reasons import FailureReason

_BYTES_AN_ESCAPE = 128
"""What is taken for each escape sequence: the time for it is that of so many bytes."""


def set_value(
    data_set: DataSet, tag: int, part: BodyPart, encodings: Sequence[str], budget: Budget
) -> None:
    """Set the value of the element with ``tag``, which was empty.

    Raises InstanceRejected: C000 if the bytes are not a value of its VR, C122 for a compressed
    icon, because its transfer syntax would have to be that of the image, A700 if the ``budget``,
    of which the bytes are taken already, has no room for the text that they become.
    """
    media_type = media_type_of(part)
    if tag == PIXEL_DATA and media_type.essence != OCTET_STREAM:
        raise InstanceRejected(
            FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED,
            "found compressed pixel data in an item, expected uncompressed pixel data",
        )
    element = data_set[tag]
    if element.vr in TEXT:
        content = bytes(part.content)
        budget.take(_BYTES_AN_ESCAPE * content.count(ESC))
        text = decode(content, encodings)
        budget.take(getsizeof(text) - getsizeof(content))
        element.value = text.rstrip(" \0") if element.vr in NUMBER_STRINGS else text
        return
    size = struct.calcsize(FORMATS.get(element.vr, "B"))
    if len(part.content) % size:
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            f"found {len(part.content)} bytes of bulk data for {tag_text(tag)}, expected a multiple"
            f" of {size}, as its VR {element.vr} has",
        )
    element.value = part.content

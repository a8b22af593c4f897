"""Instances with something wrong or rare in them."""

import re
import zlib
from collections.abc import Mapping

from pydicom.config import disable_value_validation
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import JPEGBaseline8Bit

from tests.builders import data_set, part10

_DATA_SET = re.compile(rb"\x08\x00\x05\x00CS")


def lax(
    row: int,
    number: int = 1,
    /,
    file_meta: Mapping[str, object] | None = None,
    **attributes: object,
) -> bytes:
    """Return an instance whose values pydicom would not write."""
    with disable_value_validation():
        return part10(data_set(row, 1, number, **attributes), file_meta=file_meta)


def without_file_meta_uids(row: int, **attributes: object) -> bytes:
    """Return an instance that only its data set, if anything, names."""
    nothing = {"MediaStorageSOPClassUID": None, "MediaStorageSOPInstanceUID": None}
    return lax(row, 1, file_meta=nothing, **attributes)


def with_transfer_syntax(content: bytes, uid: str) -> bytes:
    """Return an instance in Explicit VR Little Endian as one whose File Meta says otherwise."""
    true = b"UI\x14\x001.2.840.10008.1.2.1\0"
    padded = uid.encode() + b"\0" * (len(uid) % 2)
    assert content.count(true) == 1
    return content.replace(true, b"UI" + len(padded).to_bytes(2, "little") + padded)


def with_element(row: int, element: bytes) -> bytes:
    """Return an instance with an encoded element in front of its Patient's Name."""
    content = part10(data_set(row))
    before = content.index(b"\x10\x00\x10\x00PN")
    return content[:before] + element + content[before:]


def encapsulated(row: int, fragments: int, frames: int, *, kind: str = "BOT") -> bytes:
    """Return a JPEG image; ``kind`` is of its offset table: BOT, EOT or none."""
    streams = [b"\xff\xd8" + bytes([number]) * 60 + b"\xff\xd9" for number in range(fragments)]
    image = data_set(row, 1, 1, NumberOfFrames=frames, BitsAllocated=8, BitsStored=8, HighBit=7)
    if kind == "EOT":
        pixel_data, table, lengths = encapsulate_extended(streams)
        image.ExtendedOffsetTable, image.ExtendedOffsetTableLengths = table, lengths
        image.PixelData = pixel_data
    else:
        image.PixelData = encapsulate(streams, has_bot=kind == "BOT")
    image["PixelData"].VR = "OB"
    image["PixelData"].is_undefined_length = True
    return part10(image, JPEGBaseline8Bit)


def data_set_offset(content: bytes) -> int:
    """Return where the data set begins: at its Specific Character Set."""
    found = _DATA_SET.search(content)
    assert found is not None
    return found.start()


def deflated(content: bytes, then: bytes = b"") -> bytes:
    """Return the file with its data set, and what is to follow it, deflated."""
    start = data_set_offset(content)
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    data = stream.compress(content[start:]) + stream.compress(then) + stream.flush()
    return content[:start] + data + bytes(len(data) % 2)


def nested(depth: int) -> bytes:
    """Return sequences of undefined length within each other, encoded."""
    opening = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    closing = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return opening * depth + closing * depth

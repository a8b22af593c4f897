"""Write a data set as a file of PS3.10, the same bytes each time.

The File Meta Information is made here: metadata has none (PS3.18 10.5.1.4). Nothing in it depends
on the time or the request, so a request that is sent twice makes the same instance twice. The
bytes are those that pydicom would write, in a tenth of its time.
"""

from dicomweb.checks import SOP_CLASS_UID, SOP_INSTANCE_UID
from dicomweb.metadata.dataelements import DataSet, Element, Encapsulated
from dicomweb.metadata.datasets import uid
from dicomweb.metadata.elements import TEXT
from dicomweb.part10.headers import (
    IMPLICIT_HEADER,
    ITEM,
    LENGTH,
    LONG_HEADER,
    SEQUENCE_DELIMITATION,
    SHORT,
    SHORT_HEADER,
    UNDEFINED_LENGTH,
)
from dicomweb.timelimit import FOREVER, TimeLimit

IMPLEMENTATION_CLASS_UID = "2.25.60219663613535135633433431168003288828"
"""Identifies the writer of these files (PS3.7 D.3.3.2); a UUID needs no registration."""

IMPLEMENTATION_VERSION_NAME = "STOWPORT"

_PREAMBLE = bytes(128) + b"DICM"
_SHORT_LENGTHS = frozenset(vr.decode() for vr in SHORT)
_MAX_SHORT_LENGTH = 0xFFFF
_ITEM = IMPLICIT_HEADER.pack(*divmod(ITEM, 1 << 16), 0)
_END = IMPLICIT_HEADER.pack(*divmod(SEQUENCE_DELIMITATION, 1 << 16), 0)


def write(
    data_set: DataSet, transfer_syntax_uid: str, time_limit: TimeLimit = FOREVER
) -> memoryview:
    """Write the data set in Explicit VR Little Endian, which the transfer syntax must be based on.

    Text that is not ASCII must be encoded already. Values are padded and tags put in order; values
    too long for their VR's length field get VR UN (PS3.5 6.2.2). The File Meta Information repeats
    those UIDs that the data set has.
    """
    written = bytearray(_PREAMBLE)
    _write_data_set(written, _file_meta(data_set, transfer_syntax_uid), time_limit)
    _write_data_set(written, data_set, time_limit)
    return memoryview(written).toreadonly()


def _write_data_set(written: bytearray, data_set: DataSet, time_limit: TimeLimit) -> None:
    for tag in sorted(data_set):
        time_limit.check()
        element = data_set[tag]
        value = element.value
        if isinstance(value, list):
            _write_sequence(written, tag, value, time_limit)
        else:
            field = value.encode("ascii") if isinstance(value, str) else value
            _write_element(written, tag, element, field)


def _write_sequence(
    written: bytearray, tag: int, items: list[DataSet], time_limit: TimeLimit
) -> None:
    """Write a sequence whose length, like that of its items, is put in when it is known."""
    written += LONG_HEADER.pack(tag >> 16, tag & 0xFFFF, b"SQ", 0)
    start = len(written)
    for item in items:
        written += _ITEM
        item_start = len(written)
        _write_data_set(written, item, time_limit)
        LENGTH.pack_into(written, item_start - 4, len(written) - item_start)
    LENGTH.pack_into(written, start - 4, len(written) - start)


def _write_element(
    written: bytearray, tag: int, element: Element, field: bytes | memoryview
) -> None:
    """Write an element whose Value Field is ``field``, which may lack padding."""
    vr, length = element.vr, len(field) + len(field) % 2
    if isinstance(element, Encapsulated):
        written += LONG_HEADER.pack(tag >> 16, tag & 0xFFFF, vr.encode(), UNDEFINED_LENGTH)
        written += field
        written += _END
        return
    if vr not in _SHORT_LENGTHS:
        written += LONG_HEADER.pack(tag >> 16, tag & 0xFFFF, vr.encode(), length)
    elif length > _MAX_SHORT_LENGTH:
        written += LONG_HEADER.pack(tag >> 16, tag & 0xFFFF, b"UN", length)
    else:
        written += SHORT_HEADER.pack(tag >> 16, tag & 0xFFFF, vr.encode(), length)
    written += field
    if length > len(field):
        written += b" " if vr in TEXT and vr != "UI" else b"\0"


def _file_meta(data_set: DataSet, transfer_syntax_uid: str) -> DataSet:
    """Return the File Meta Information, with its group length (PS3.10 7.1)."""
    file_meta = DataSet()
    file_meta[0x00020001] = Element("OB", b"\0\1")
    file_meta[0x00020002] = _uid(data_set, SOP_CLASS_UID)
    file_meta[0x00020003] = _uid(data_set, SOP_INSTANCE_UID)
    file_meta[0x00020010] = Element("UI", transfer_syntax_uid)
    file_meta[0x00020012] = Element("UI", IMPLEMENTATION_CLASS_UID)
    file_meta[0x00020013] = Element("SH", IMPLEMENTATION_VERSION_NAME)
    written = bytearray()
    _write_data_set(written, file_meta, FOREVER)
    file_meta[0x00020000] = Element("UL", LENGTH.pack(len(written)))
    return file_meta


def _uid(data_set: DataSet, tag: int) -> Element:
    return Element("UI", uid(data_set, tag).encode("ascii", errors="replace"))

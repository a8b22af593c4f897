"""Write a data set as a file of PS3.10, the same bytes each time.

The File Meta Information is made here: metadata has none (PS3.18 10.5.1.4). Nothing in it depends
on the time or the request, so a request that is sent twice makes the same instance twice.

pydicom writes VRs of the default repertoire in ISO 8859-1, whatever the character set. Other
letters, which files have there all the same, are encoded before in the character set of the data
set, and each byte is passed on as one letter of ISO 8859-1.
"""

from collections.abc import Sequence

from pydicom import charset
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.multival import MultiValue

from dicomweb.metadata.charactersets import DEFAULT_REPERTOIRE, walk
from dicomweb.metadata.datasets import uid
from dicomweb.metadata.elements import set_string

IMPLEMENTATION_CLASS_UID = "2.25.60219663613535135633433431168003288828"
"""Identifies the writer of these files (PS3.7 D.3.3.2); a UUID needs no registration."""

IMPLEMENTATION_VERSION_NAME = "STOWPORT"

_PREAMBLE = bytes(128) + b"DICM"


def write(data_set: Dataset, transfer_syntax_uid: str) -> memoryview:
    """Write the data set in Explicit VR Little Endian, which the transfer syntax must be based on.

    Values are padded and tags put in order; values too long for their VR's length field get VR
    UN (PS3.5 6.2.2). The File Meta Information repeats those UIDs that the data set has.
    """
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = False, True
    for item, encodings in walk(data_set):
        for element in item:
            _encode(element, encodings)
    stream.write(_PREAMBLE)
    file_meta = _file_meta(data_set, transfer_syntax_uid)
    write_file_meta_info(stream, file_meta, enforce_standard=False)
    write_dataset(stream, data_set)
    return memoryview(stream.getvalue())


def _encode(element: DataElement, encodings: Sequence[str]) -> None:
    """Encode what pydicom does not, and give a value of VR UN an even length (PS3.5 6.2)."""
    value = element.value
    if not value:
        return
    if element.VR == "UN" and len(value) % 2:
        element.value += b"\0"
    elif element.VR in DEFAULT_REPERTOIRE:
        text = "\\".join(map(str, value)) if isinstance(value, MultiValue) else str(value)
        if not text.isascii():
            set_string(element, charset.encode_string(text, list(encodings)).decode("iso8859-1"))


def _file_meta(data_set: Dataset, transfer_syntax_uid: str) -> FileMetaDataset:
    elements: dict[int, tuple[str, object]] = {
        0x00020000: ("UL", 0),
        0x00020001: ("OB", b"\0\1"),
        0x00020002: ("UI", uid(data_set, "SOPClassUID")),
        0x00020003: ("UI", uid(data_set, "SOPInstanceUID")),
        0x00020010: ("UI", transfer_syntax_uid),
        0x00020012: ("UI", IMPLEMENTATION_CLASS_UID),
        0x00020013: ("SH", IMPLEMENTATION_VERSION_NAME),
    }
    file_meta = FileMetaDataset()
    for tag, (vr, value) in elements.items():
        file_meta[tag] = DataElement(tag, vr, value, validation_mode=IGNORE)
    return file_meta

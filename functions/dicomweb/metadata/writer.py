"""Write a data set as a file of PS3.10, the same bytes each time.

The File Meta Information is made here: metadata has none (PS3.18 10.5.1.4). Nothing in it depends
on the time or the request, so a request that is sent twice makes the same instance twice.
"""

import warnings

from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info

from dicomweb.metadata.datasets import uid

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
    with warnings.catch_warnings(action="ignore"):  # pydicom warns of each VR that becomes UN
        stream.write(_PREAMBLE)
        file_meta = _file_meta(data_set, transfer_syntax_uid)
        write_file_meta_info(stream, file_meta, enforce_standard=False)
        data_set.walk(_pad)
        write_dataset(stream, data_set)
    return memoryview(stream.getvalue())


def _pad(_: Dataset, element: DataElement) -> None:
    """Give a value of VR UN an even length; pydicom does it for all others (PS3.5 6.2)."""
    if element.VR == "UN" and element.value and len(element.value) % 2:
        element.value += b"\0"


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

"""Preamble and File Meta Information for a file that has none (PS3.10 7.1).

Some programs write a data set alone, or leave out the preamble. The encoding of a bare data set is
recognized as pydicom and DCMTK do, by the two letters of an Explicit VR. Other files happen to
parse for a while: nothing is made unless the whole file is a data set that names its instance.
"""

from io import BytesIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicomweb.checks import (
    IDENTITY,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    check_encapsulation,
    check_identity,
)
from dicomweb.conformance import is_deflated, is_implicit_vr
from dicomweb.errors import InstanceRejected
from dicomweb.metadata.writer import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicomweb.part10.file import FileMeta, read_file_meta, uid_text
from dicomweb.part10.headers import is_vr
from dicomweb.part10.walker import DataSet, Element, walk
from dicomweb.reasons import FailureReason
from dicomweb.uids import is_uid

_PREAMBLE = bytes(128) + b"DICM"
_FILE_META = b"\x02\0"
_HEAD = 64 * 1024


def what_is_missing(content: memoryview) -> bytes:
    """Return what makes ``content`` a Part 10 file if it precedes it, b"" if it is no data set.

    Raises InstanceRejected if it names a SOP class and an instance, and is not a whole data set
    all the same, or has compressed pixel data and does not name its transfer syntax.
    """
    elements: dict[int, Element] = {}
    try:
        if bytes(content[:2]) == _FILE_META:
            return _preamble(content, elements)
        implicit_vr = not is_vr(bytes(content[4:6]))
        transfer_syntax = ImplicitVRLittleEndian if implicit_vr else ExplicitVRLittleEndian
        data_set = _walk(content, 0, implicit_vr=implicit_vr, elements=elements)
    except InstanceRejected:
        if _names_an_instance(elements):
            raise
        return b""
    if data_set.pixel_data and data_set.pixel_data.fragments is not None:
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            "found compressed pixel data without File Meta Information, expected a file that names"
            " its transfer syntax",
        )
    return _file_meta(elements, transfer_syntax)


def _preamble(content: memoryview, elements: dict[int, Element]) -> bytes:
    """Return the preamble and prefix that are missing before the File Meta Information."""
    meta = read_file_meta(memoryview(_PREAMBLE + bytes(content[:_HEAD])))
    if is_deflated(meta.transfer_syntax_uid):
        return _PREAMBLE if _is_complete(meta) else b""
    if not meta.transfer_syntax_uid:
        return b""
    data_set = _walk(
        content,
        meta.data_set_offset - len(_PREAMBLE),
        implicit_vr=is_implicit_vr(meta.transfer_syntax_uid),
        elements=elements,
    )
    check_encapsulation(data_set.pixel_data, meta.transfer_syntax_uid)
    return _PREAMBLE


def _walk(
    content: memoryview, start: int, *, implicit_vr: bool, elements: dict[int, Element]
) -> DataSet:
    """Walk the data set to its last byte; raise InstanceRejected unless it has the four UIDs."""
    data_set = walk(
        content, start=start, implicit_vr=implicit_vr, wanted=IDENTITY, elements=elements
    )
    check_identity({tag: uid_text(element.value) for tag, element in elements.items()})
    return data_set


def _is_complete(meta: FileMeta) -> bool:
    uids = (meta.media_storage_sop_class_uid, meta.media_storage_sop_instance_uid)
    return all(map(is_uid, uids))


def _names_an_instance(elements: dict[int, Element]) -> bool:
    return all(
        tag in elements and is_uid(uid_text(elements[tag].value))
        for tag in (SOP_CLASS_UID, SOP_INSTANCE_UID)
    )


def _file_meta(elements: dict[int, Element], transfer_syntax: UID) -> bytes:
    """Return preamble and File Meta Information of a data set (PS3.10 7.1)."""
    empty = Dataset()
    empty.file_meta = meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(uid_text(elements[SOP_CLASS_UID].value))
    meta.MediaStorageSOPInstanceUID = UID(uid_text(elements[SOP_INSTANCE_UID].value))
    meta.TransferSyntaxUID = transfer_syntax
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    written = BytesIO()
    dcmwrite(written, empty, enforce_file_format=True)
    return written.getvalue()

"""Read the DICOM File Format around a data set: preamble, prefix, File Meta (PS3.10 7.1).

The File Meta Information is walked to its last element of group 0002, and its group length is
not trusted: some files have a wrong one, and a reader that trusts it reads the data set from the
wrong byte. The preamble is kept as it was sent, and examined if a deployment wants it (PS3.10 7.5).
"""

from dataclasses import dataclass
from enum import StrEnum

from dicomweb.errors import InstanceRejected
from dicomweb.part10.walker import walk_file_meta
from dicomweb.reasons import FailureReason

_PREAMBLE_END = 128
_PREFIX_END = 132
_MEDIA_STORAGE_SOP_CLASS_UID = 0x00020002
_MEDIA_STORAGE_SOP_INSTANCE_UID = 0x00020003
_TRANSFER_SYNTAX_UID = 0x00020010
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How a TIFF or BigTIFF file begins, in either byte order."""
_UIDS = (_MEDIA_STORAGE_SOP_CLASS_UID, _MEDIA_STORAGE_SOP_INSTANCE_UID, _TRANSFER_SYNTAX_UID)


class PreamblePolicy(StrEnum):
    """What happens to an instance whose preamble could be the head of a program or a page."""

    KEEP = "keep"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMeta:
    """The UIDs of the File Meta Information, empty if absent, and where the data set begins."""

    media_storage_sop_class_uid: str
    media_storage_sop_instance_uid: str
    transfer_syntax_uid: str
    data_set_offset: int


def uid_text(value: memoryview | bytes) -> str:
    """Return a UID without its padding: NUL as PS3.5 9.1 says, or blanks as some senders do."""
    return bytes(value).decode("ascii", errors="replace").strip(" \0")


def is_file(content: memoryview) -> bool:
    """Tell whether the bytes have the DICM prefix of the file format (PS3.10 7.1)."""
    return bytes(content[_PREAMBLE_END:_PREFIX_END]) == b"DICM"


def check_preamble(content: memoryview, policy: PreamblePolicy) -> None:
    """Raise C000 if the policy refuses the preamble: it is neither zeros nor TIFF (PS3.10 7.1).

    A file can be an executable and DICOM at once (CVE-2019-11687), because the preamble may hold
    anything. It is never altered, since the bytes of an instance are kept.
    """
    preamble = bytes(content[:_PREAMBLE_END])
    harmless = not any(preamble) or preamble.startswith(_TIFF)
    if policy is PreamblePolicy.REFUSE and not harmless:
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            "found a preamble with other content, which this service refuses, expected 128 bytes"
            " of zero or the head of a TIFF file",
        )


def read_file_meta(content: memoryview) -> FileMeta:
    """Read the File Meta Information of a Part 10 file.

    Raises InstanceRejected (C000) if there is no prefix or the group does not parse.
    """
    if not is_file(content):
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            "found no DICM prefix at byte 128, expected a Part 10 file with preamble and prefix",
        )
    elements, end = walk_file_meta(content, start=_PREFIX_END, wanted=_UIDS)
    uids = {tag: uid_text(element.value) for tag, element in elements.items()}
    return FileMeta(
        media_storage_sop_class_uid=uids.get(_MEDIA_STORAGE_SOP_CLASS_UID, ""),
        media_storage_sop_instance_uid=uids.get(_MEDIA_STORAGE_SOP_INSTANCE_UID, ""),
        transfer_syntax_uid=uids.get(_TRANSFER_SYNTAX_UID, ""),
        data_set_offset=end,
    )

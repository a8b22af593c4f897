"""Which SOP classes and transfer syntaxes are supported (PS3.18 10.5.5, conformance statement).

The tables are data: ``sop_classes.tsv`` puts each class into a group, ``transfer_syntaxes.tsv``
says which groups may use a transfer syntax, as dcm4chee-arc's conformance statement does. That
statement misprints JPEG Lossless (Process 14) as ...4.54; here it is ...4.57. Rows of group ``-``
are the rest of the current standard, for the profiles that accept more.

The profile ``standard`` goes by the column ``iod``: ``image`` for a class whose IOD has the Image
Pixel Module (PS3.3 C.7.6.3), ``other`` for any other class of the standard, ``-`` for a private
class. Retired classes count, because their use is permitted (PS3.4 I.5). ``iods`` says which of
the two a transfer syntax is for.
"""

import csv
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files

from dicomweb.uids import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPIPHTJ2KReferenced,
    JPIPHTJ2KReferencedDeflate,
    JPIPReferenced,
    JPIPReferencedDeflate,
)

_JPIP = frozenset(
    (
        JPIPReferenced,
        JPIPReferencedDeflate,
        JPIPHTJ2KReferenced,
        JPIPHTJ2KReferencedDeflate,
    )
)

_NATIVE = _JPIP | {
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
}
"""Transfer syntaxes whose pixel data, if there is any, is not encapsulated (PS3.5 Annex A)."""

_DEFLATED = frozenset(
    (DeflatedExplicitVRLittleEndian, JPIPReferencedDeflate, JPIPHTJ2KReferencedDeflate)
)

_VIDEO_GROUP = "Video"


class StorageProfile(StrEnum):
    """What a deployment accepts: the conformance statement's pairs, the standard's, or any."""

    CONFORMANCE = "conformance"
    STANDARD = "standard"
    ANY_STORAGE = "any-storage"


@cache
def sop_class_groups() -> Mapping[str, str]:
    """Return the group of each SOP class: Image, Video, SR, Other, or ``-``."""
    return _sop_classes("group")


@cache
def sop_class_iods() -> Mapping[str, str]:
    """Return what the IOD of each SOP class is: image, other, or ``-`` if it is private."""
    return _sop_classes("iod")


@cache
def transfer_syntax_groups() -> Mapping[str, frozenset[str]]:
    """Return the groups of SOP classes that may use each transfer syntax."""
    return _transfer_syntaxes("groups")


@cache
def transfer_syntax_iods() -> Mapping[str, frozenset[str]]:
    """Return which IODs each transfer syntax is for (PS3.5 A.4, PS3.18 Table 8.7.3-2)."""
    return _transfer_syntaxes("iods")


def _sop_classes(column: str) -> Mapping[str, str]:
    return {row["uid"]: row[column] for row in _rows("sop_classes.tsv")}


def _transfer_syntaxes(column: str) -> Mapping[str, frozenset[str]]:
    return {
        row["uid"]: frozenset(row[column].split(",")) - {"-"}
        for row in _rows("transfer_syntaxes.tsv")
    }


def _rows(table: str) -> list[dict[str, str]]:
    text = files("dicomweb").joinpath(table).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t"))


def takes_sop_class(profile: StorageProfile, sop_class_uid: str) -> bool:
    """Tell whether instances of the SOP class are accepted at all."""
    classes = sop_class_iods() if profile is StorageProfile.STANDARD else sop_class_groups()
    kind = classes.get(sop_class_uid)
    return kind is not None and (profile is StorageProfile.ANY_STORAGE or kind != "-")


def takes_transfer_syntax(
    profile: StorageProfile, sop_class_uid: str, transfer_syntax_uid: str
) -> bool:
    """Tell whether the transfer syntax is accepted for the SOP class: its group, or its IOD."""
    if profile is StorageProfile.STANDARD:
        kinds = transfer_syntax_iods().get(transfer_syntax_uid, frozenset())
        return sop_class_iods().get(sop_class_uid) in kinds
    groups = transfer_syntax_groups().get(transfer_syntax_uid)
    if groups is None:
        return False
    return profile is StorageProfile.ANY_STORAGE or sop_class_groups().get(sop_class_uid) in groups


def is_implicit_vr(transfer_syntax_uid: str) -> bool:
    """Tell whether data sets have no VR (PS3.5 A.1)."""
    return transfer_syntax_uid == ImplicitVRLittleEndian


def is_deflated(transfer_syntax_uid: str) -> bool:
    """Tell whether the whole data set is deflated (PS3.5 A.5)."""
    return transfer_syntax_uid in _DEFLATED


def is_encapsulated(transfer_syntax_uid: str) -> bool:
    """Tell whether pixel data is encapsulated in fragments (PS3.5 A.4)."""
    return transfer_syntax_uid not in _NATIVE


def is_video(transfer_syntax_uid: str) -> bool:
    """Tell whether one fragment may hold many frames, as those of a video do (PS3.5 8.2.5)."""
    return transfer_syntax_groups()[transfer_syntax_uid] == {_VIDEO_GROUP}

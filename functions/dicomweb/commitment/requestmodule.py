"""Read a request for commitment: the Storage Commitment Request Module (PS3.18 J.1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from dicomweb.commitment.notation import DataSet, read_data_set
from dicomweb.errors import MalformedRequest
from dicomweb.outcomes import SOPReference

MOST_UIDS = 10_000
"""In a request, so that its record fits into an item, and the longest answer into a response."""

_REFERENCED_SOP_SEQUENCE = "00081199"
_REFERENCED_STUDY_SEQUENCE = "00081110"
_REFERENCED_SERIES_SEQUENCE = "00081115"
_REFERENCED_INSTANCES_BY_SOP_CLASS_SEQUENCE = "00081112"
_REFERENCED_INSTANCE_SEQUENCE = "0008114A"
_REFERENCED_SOP_CLASS_UID = "00081150"
_REFERENCED_SOP_INSTANCE_UID = "00081155"
_STUDY_INSTANCE_UID = "0020000D"
_SERIES_INSTANCE_UID = "0020000E"
_NAMES = {
    _REFERENCED_SERIES_SEQUENCE: "Referenced Series Sequence (0008,1115)",
    _REFERENCED_INSTANCES_BY_SOP_CLASS_SEQUENCE: (
        "Referenced Instances by SOP Class Sequence (0008,1112)"
    ),
    _REFERENCED_INSTANCE_SEQUENCE: "Referenced Instance Sequence (0008,114A)",
    _REFERENCED_SOP_CLASS_UID: "Referenced SOP Class UID (0008,1150)",
    _REFERENCED_SOP_INSTANCE_UID: "Referenced SOP Instance UID (0008,1155)",
    _STUDY_INSTANCE_UID: "Study Instance UID (0020,000D)",
    _SERIES_INSTANCE_UID: "Series Instance UID (0020,000E)",
}


class Form(StrEnum):
    """How a request names its instances, and so its answer."""

    SOP = "sop"
    STUDY = "study"


@dataclass(frozen=True, slots=True)
class Reference:
    """An instance that is to be kept; study and series are empty in the form ``SOP``."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str = ""
    series_instance_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentRequest:
    """The instances of a request in their order, at least one, and how it names them."""

    form: Form
    references: tuple[Reference, ...]


def read(content_type: str | None, payload: bytes) -> CommitmentRequest:
    """Read the module from a payload of ``application/dicom+json`` or ``application/dicom+xml``.

    A UID need not be valid: no instance is stored under one that is not, and its neighbours have
    outcomes all the same. Raises MalformedRequest if it is missing, or cannot be in an answer; and
    unless there is one of the two sequences, with at most MOST_UIDS in it.
    """
    data_set = read_data_set(content_type, payload)
    in_sops = bool(data_set.get(_REFERENCED_SOP_SEQUENCE))
    in_studies = bool(data_set.get(_REFERENCED_STUDY_SEQUENCE))
    if in_sops == in_studies:
        raise MalformedRequest(
            f"found {'both' if in_sops else 'no'} items of Referenced SOP Sequence (0008,1199)"
            f" {'and' if in_sops else 'or'} Referenced Study Sequence (0008,1110), expected those"
            " of one of them"
        )
    reader = _Reader()
    if in_sops:
        return CommitmentRequest(form=Form.SOP, references=tuple(reader.instances(data_set)))
    return CommitmentRequest(form=Form.STUDY, references=tuple(reader.studies(data_set)))


class _Reader:
    """Counts the UIDs that it reads."""

    def __init__(self) -> None:
        self._uids = 0

    def instances(self, data_set: DataSet) -> Iterator[Reference]:
        for item in self._items(data_set, _REFERENCED_SOP_SEQUENCE):
            yield Reference(
                self._uid(item, _REFERENCED_SOP_CLASS_UID),
                self._uid(item, _REFERENCED_SOP_INSTANCE_UID),
            )

    def studies(self, data_set: DataSet) -> Iterator[Reference]:
        for study in self._items(data_set, _REFERENCED_STUDY_SEQUENCE):
            study_uid = self._uid(study, _STUDY_INSTANCE_UID)
            for series in self._items(study, _REFERENCED_SERIES_SEQUENCE):
                series_uid = self._uid(series, _SERIES_INSTANCE_UID)
                for sop_class in self._items(series, _REFERENCED_INSTANCES_BY_SOP_CLASS_SEQUENCE):
                    class_uid = self._uid(sop_class, _REFERENCED_SOP_CLASS_UID)
                    for item in self._items(sop_class, _REFERENCED_INSTANCE_SEQUENCE):
                        uid = self._uid(item, _REFERENCED_SOP_INSTANCE_UID)
                        yield Reference(class_uid, uid, study_uid, series_uid)

    def _items(self, item: DataSet, tag: str) -> Iterator[DataSet]:
        items = item.get(tag, ())
        if not items:
            raise MalformedRequest(f"found no items of {_NAMES[tag]}, expected at least one")
        for each in items:
            if isinstance(each, str):
                raise MalformedRequest(f"found a value in the sequence {tag}, expected items")
            yield each

    def _uid(self, item: DataSet, tag: str) -> str:
        self._uids += 1
        if self._uids > MOST_UIDS:
            raise MalformedRequest(
                f"found more than {MOST_UIDS} UIDs in the request, expected at most that many: send"
                " it as several requests, each with a Transaction UID of its own"
            )
        match item.get(tag, ()):
            case [str(text)] if SOPReference.of(uid := text.rstrip("\0 "), uid):
                return uid
        raise MalformedRequest(f"found no {_NAMES[tag]} in an item, expected one UID")

"""Read SOP Instances from Part 10 files and judge them (PS3.10 Section 7, PS3.18 10.5.2).

``receive`` does everything for one file: it returns a complete and checked SOPInstance, or a
Failed that says why not and names the instance if it can. Files never affect each other.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from dicomweb import checks, conformance
from dicomweb.attributes import TAGS, IndexAttributes, index_attributes, integer
from dicomweb.candidates import Candidate
from dicomweb.conformance import StorageProfile
from dicomweb.errors import InstanceRejected
from dicomweb.outcomes import Failed, SOPReference
from dicomweb.part10.file import FileMeta, inflate, read_file_meta, uid_text
from dicomweb.part10.walker import DataSet, walk

_SOP_CLASS_UID = 0x00080016
_SOP_INSTANCE_UID = 0x00080018
_STUDY_INSTANCE_UID = 0x0020000D
_SERIES_INSTANCE_UID = 0x0020000E
_IDENTITY = {
    _SOP_CLASS_UID: "SOP Class UID (0008,0016)",
    _SOP_INSTANCE_UID: "SOP Instance UID (0008,0018)",
    _STUDY_INSTANCE_UID: "Study Instance UID (0020,000D)",
    _SERIES_INSTANCE_UID: "Series Instance UID (0020,000E)",
}

_SAMPLES_PER_PIXEL = 0x00280002
_PHOTOMETRIC_INTERPRETATION = 0x00280004
_NUMBER_OF_FRAMES = 0x00280008
_ROWS = 0x00280010
_COLUMNS = 0x00280011
_BITS_ALLOCATED = 0x00280100

_WANTED = TAGS.union(_IDENTITY, (_SAMPLES_PER_PIXEL, _PHOTOMETRIC_INTERPRETATION))


@dataclass(frozen=True, slots=True, kw_only=True)
class SOPInstance:
    """An instance: its identity, its bytes and what the index keeps about it.

    ``content`` is the whole Part 10 file. If it was sent as one, it is a slice of the request's
    payload that begins at ``offset``; if it was made from metadata, ``offset`` is None.
    """

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    content: memoryview = field(repr=False)
    offset: int | None = None
    number_of_frames: int = 1
    attributes: IndexAttributes = field(default_factory=IndexAttributes, repr=False)

    @property
    def reference(self) -> SOPReference:
        """The UIDs by which an answer names the instance."""
        return SOPReference(
            sop_class_uid=self.sop_class_uid, sop_instance_uid=self.sop_instance_uid
        )


def receive(
    candidate: Candidate, *, study_instance_uid: str | None, profile: StorageProfile
) -> SOPInstance | Failed:
    """Read the instance that a candidate holds and check it.

    ``study_instance_uid`` is the study of the target resource, if it is a study.
    """
    named = [candidate.reference] if candidate.reference else []
    try:
        return _read(candidate, study_instance_uid, profile, named.append)
    except InstanceRejected as refusal:
        return Failed(
            reason=refusal.reason,
            text=f"{candidate.place}: {refusal}",
            reference=named[-1] if named else None,
            final=True,
        )


def _read(
    candidate: Candidate,
    target: str | None,
    profile: StorageProfile,
    name: Callable[[SOPReference], None],
) -> SOPInstance:
    """Read and check; ``name`` is called with the UIDs as soon as they are known."""
    content = candidate.content()
    file_meta = read_file_meta(content)
    _name(file_meta.media_storage_sop_class_uid, file_meta.media_storage_sop_instance_uid, name)
    data_set = _read_data_set(content, file_meta, profile)
    uids = {tag: uid_text(e.value) for tag, e in data_set.elements.items() if tag in _IDENTITY}
    _name(uids.get(_SOP_CLASS_UID, ""), uids.get(_SOP_INSTANCE_UID, ""), name)
    _check_identity(uids, file_meta, target, profile)
    frames = max(integer(data_set.elements.get(_NUMBER_OF_FRAMES), "IS") or 1, 1)
    _check_pixel_data(data_set, frames, file_meta.transfer_syntax_uid)
    return SOPInstance(
        sop_class_uid=uids[_SOP_CLASS_UID],
        sop_instance_uid=uids[_SOP_INSTANCE_UID],
        study_instance_uid=uids[_STUDY_INSTANCE_UID],
        series_instance_uid=uids[_SERIES_INSTANCE_UID],
        transfer_syntax_uid=file_meta.transfer_syntax_uid,
        content=content,
        offset=candidate.offset,
        number_of_frames=frames,
        attributes=index_attributes(data_set.elements),
    )


def _name(sop_class_uid: str, sop_instance_uid: str, name: Callable[[SOPReference], None]) -> None:
    reference = SOPReference.of(sop_class_uid, sop_instance_uid)
    if reference:
        name(reference)


def _read_data_set(content: memoryview, file_meta: FileMeta, profile: StorageProfile) -> DataSet:
    """Walk the data set after checking that its SOP class and transfer syntax are supported."""
    syntax = file_meta.transfer_syntax_uid
    sop_class = file_meta.media_storage_sop_class_uid
    checks.check_transfer_syntax_is_named(syntax)
    if sop_class:
        checks.check_sop_class(sop_class, profile)
        checks.check_transfer_syntax(syntax, sop_class, profile)
    else:
        checks.check_transfer_syntax(syntax, sop_class, StorageProfile.ANY_STORAGE)
    start = file_meta.data_set_offset
    if conformance.is_deflated(syntax):
        content, start = inflate(content[start:]), 0
    return walk(
        content, start=start, implicit_vr=conformance.is_implicit_vr(syntax), wanted=_WANTED
    )


def _check_identity(
    uids: dict[int, str], file_meta: FileMeta, target: str | None, profile: StorageProfile
) -> None:
    for tag, keyword in _IDENTITY.items():
        checks.check_uid(keyword, uids.get(tag))
    sop_class, sop_instance = uids[_SOP_CLASS_UID], uids[_SOP_INSTANCE_UID]
    checks.check_file_meta(
        _IDENTITY[_SOP_CLASS_UID], file_meta.media_storage_sop_class_uid, sop_class
    )
    checks.check_file_meta(
        _IDENTITY[_SOP_INSTANCE_UID], file_meta.media_storage_sop_instance_uid, sop_instance
    )
    checks.check_sop_class(sop_class, profile)
    checks.check_transfer_syntax(file_meta.transfer_syntax_uid, sop_class, profile)
    checks.check_study(uids[_STUDY_INSTANCE_UID], target)


def _check_pixel_data(data_set: DataSet, frames: int, transfer_syntax_uid: str) -> None:
    pixel_data, elements = data_set.pixel_data, data_set.elements
    checks.check_encapsulation(pixel_data, transfer_syntax_uid)
    checks.check_fragments(pixel_data, frames, transfer_syntax_uid)
    photometric = elements.get(_PHOTOMETRIC_INTERPRETATION)
    image_pixel = checks.ImagePixel(
        rows=integer(elements.get(_ROWS), "US"),
        columns=integer(elements.get(_COLUMNS), "US"),
        samples_per_pixel=integer(elements.get(_SAMPLES_PER_PIXEL), "US"),
        bits_allocated=integer(elements.get(_BITS_ALLOCATED), "US"),
        photometric_interpretation=uid_text(photometric.value) if photometric else "",
    )
    checks.check_pixel_data_is_there(pixel_data, image_pixel, transfer_syntax_uid)
    checks.check_native_pixel_data(pixel_data, image_pixel, frames)

"""Read SOP Instances from Part 10 files and judge them (PS3.10 Section 7, PS3.18 10.5.2).

``receive`` does everything for one file: it returns a complete and checked SOPInstance, or a
Failed that says why not and names the instance if it can. Files never affect each other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dicomweb import checks, conformance, mismatches
from dicomweb.attributes import TAGS, IndexAttributes, index_attributes, integer
from dicomweb.candidates import Candidate
from dicomweb.checks import (
    IDENTITY,
    SERIES_INSTANCE_UID,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
)
from dicomweb.conformance import StorageProfile
from dicomweb.errors import InstanceRejected
from dicomweb.outcomes import Failed, SOPReference
from dicomweb.part10.file import FileMeta, PreamblePolicy, check_preamble, read_file_meta, uid_text
from dicomweb.part10.inflation import Inflation
from dicomweb.part10.walker import DataSet, Element, walk
from dicomweb.reasons import WarningReason
from dicomweb.uids import is_uid

_SAMPLES_PER_PIXEL = 0x00280002
_PHOTOMETRIC_INTERPRETATION = 0x00280004
_NUMBER_OF_FRAMES = 0x00280008
_ROWS = 0x00280010
_COLUMNS = 0x00280011
_BITS_ALLOCATED = 0x00280100
_PIXEL_DATA_PROVIDER_URL = 0x00287FE0
_DESCRIPTION = (_ROWS, _COLUMNS, _BITS_ALLOCATED)

_WANTED = TAGS.union(
    IDENTITY, (_SAMPLES_PER_PIXEL, _PHOTOMETRIC_INTERPRETATION, _PIXEL_DATA_PROVIDER_URL)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SOPInstance:
    """An instance: its identity, its bytes and what the index keeps about it.

    ``content`` is the whole Part 10 file. If it was sent as one, it is a slice of the request's
    payload that begins at ``offset``; if it was made from metadata, ``offset`` is None.
    ``number_of_frames`` is None if it has no frames. ``warning`` and ``text`` say what was
    noticed, in case it is stored.
    """

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    content: memoryview = field(repr=False)
    offset: int | None = None
    number_of_frames: int | None = None
    attributes: IndexAttributes = field(default_factory=IndexAttributes, repr=False)
    warning: WarningReason | None = None
    text: str = ""

    @property
    def reference(self) -> SOPReference:
        """The UIDs by which an answer names the instance."""
        return SOPReference(
            sop_class_uid=self.sop_class_uid, sop_instance_uid=self.sop_instance_uid
        )


def receive(
    candidate: Candidate,
    *,
    study_instance_uid: str | None,
    profile: StorageProfile,
    preamble_policy: PreamblePolicy = PreamblePolicy.KEEP,
    inflation: Inflation | None = None,
) -> SOPInstance | Failed:
    """Read the instance that a candidate holds and check it.

    ``study_instance_uid`` is the study of the target resource, if it is a study. ``inflation`` is
    what the instances of a request share if there are several.
    """
    named = [candidate.reference] if candidate.reference else []
    try:
        read = _read(candidate, study_instance_uid, profile, inflation, named.append)
        check_preamble(read.content, preamble_policy)
    except InstanceRejected as refusal:
        return Failed(
            reason=refusal.reason,
            text=f"{candidate.place}: {refusal}",
            reference=named[-1] if named else None,
            temporary=refusal.temporary,
            final=not refusal.temporary,
        )
    return read


def _read(
    candidate: Candidate,
    target: str | None,
    profile: StorageProfile,
    inflation: Inflation | None,
    name: Callable[[SOPReference], None],
) -> SOPInstance:
    """Read and check; ``name`` is called with the UIDs as soon as they are known."""
    content = candidate.content()
    file_meta = read_file_meta(content)
    _name(file_meta.media_storage_sop_class_uid, file_meta.media_storage_sop_instance_uid, name)
    checks.check_transfer_syntax_is_named(file_meta.transfer_syntax_uid)
    elements: dict[int, Element] = {}
    try:
        data_set = _read_data_set(
            content, file_meta, elements, inflation or Inflation(len(content))
        )
    except InstanceRejected:  # what was read says what it is, or the File Meta: of a DICOMDIR
        _check_sop_class(_name_by(_uids(elements), file_meta, name), file_meta, profile)
        raise
    uids = _uids(elements)
    _name_by(uids, file_meta, name)
    _check_identity(uids, file_meta, target, profile)
    frames = integer(data_set.elements.get(_NUMBER_OF_FRAMES), "IS")
    _check_pixel_data(data_set, max(frames or 1, 1), file_meta.transfer_syntax_uid)
    warning, text = _noticed(candidate, _mismatches(uids, file_meta, data_set))
    return SOPInstance(
        sop_class_uid=uids[SOP_CLASS_UID],
        sop_instance_uid=uids[SOP_INSTANCE_UID],
        study_instance_uid=uids[STUDY_INSTANCE_UID],
        series_instance_uid=uids[SERIES_INSTANCE_UID],
        transfer_syntax_uid=file_meta.transfer_syntax_uid,
        content=content,
        offset=candidate.offset,
        number_of_frames=_number_of_frames(frames, data_set),
        attributes=index_attributes(data_set.elements),
        warning=warning,
        text=text,
    )


def _uids(elements: Mapping[int, Element]) -> dict[int, str]:
    return {tag: uid_text(elements[tag].value) for tag in IDENTITY if tag in elements}


def _name_by(
    uids: Mapping[int, str], file_meta: FileMeta, name: Callable[[SOPReference], None]
) -> str:
    """Name the instance by its data set, where it has the UIDs; return its SOP class."""
    sop_class_uid = uids.get(SOP_CLASS_UID) or file_meta.media_storage_sop_class_uid
    sop_instance_uid = uids.get(SOP_INSTANCE_UID) or file_meta.media_storage_sop_instance_uid
    _name(sop_class_uid, sop_instance_uid, name)
    return sop_class_uid


def _name(sop_class_uid: str, sop_instance_uid: str, name: Callable[[SOPReference], None]) -> None:
    reference = SOPReference.of(sop_class_uid, sop_instance_uid)
    if reference:
        name(reference)


def _read_data_set(
    content: memoryview, file_meta: FileMeta, elements: dict[int, Element], inflation: Inflation
) -> DataSet:
    """Walk the data set, once it is known how: only it says which SOP class it is of."""
    syntax = file_meta.transfer_syntax_uid
    checks.check_transfer_syntax(syntax, "", StorageProfile.ANY_STORAGE)
    start, limit = file_meta.data_set_offset, None
    if conformance.is_deflated(syntax):
        content, start = inflation.inflate(content[start:]), 0
        limit = inflation.elements
    return walk(
        content,
        start=start,
        implicit_vr=conformance.is_implicit_vr(syntax),
        wanted=_WANTED,
        elements=elements,
        limit=limit,
    )


def _check_identity(
    uids: dict[int, str], file_meta: FileMeta, target: str | None, profile: StorageProfile
) -> None:
    stated = uids.get(SOP_CLASS_UID) or file_meta.media_storage_sop_class_uid
    _check_sop_class(stated, file_meta, profile)
    checks.check_identity(uids)
    checks.check_study(uids[STUDY_INSTANCE_UID], target)


def _check_sop_class(sop_class_uid: str, file_meta: FileMeta, profile: StorageProfile) -> None:
    """Check the SOP class, and the transfer syntax for it, if there is one."""
    if is_uid(sop_class_uid):
        checks.check_sop_class(sop_class_uid, profile)
        checks.check_transfer_syntax(file_meta.transfer_syntax_uid, sop_class_uid, profile)


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
        photometric_interpretation=uid_text(photometric.value).upper() if photometric else "",
    )
    checks.check_native_pixel_data(pixel_data, image_pixel, frames)


def _mismatches(uids: dict[int, str], file_meta: FileMeta, data_set: DataSet) -> list[str]:
    """Return what does not match and does not keep the instance from being stored."""
    sop_class = uids[SOP_CLASS_UID]
    described = any(_has_value(data_set, tag) for tag in _DESCRIPTION)
    noticed = (
        mismatches.file_meta(
            IDENTITY[SOP_CLASS_UID], file_meta.media_storage_sop_class_uid, sop_class
        ),
        mismatches.file_meta(
            IDENTITY[SOP_INSTANCE_UID],
            file_meta.media_storage_sop_instance_uid,
            uids[SOP_INSTANCE_UID],
        ),
        mismatches.pixel_data(sop_class, described=described, there=_has_frames(data_set)),
    )
    return [text for text in noticed if text]


def _noticed(candidate: Candidate, found: list[str]) -> tuple[WarningReason | None, str]:
    """Return one reason, for an item has but one, and all texts.

    That of the candidate goes first: what was discarded of it, the instance does not show.
    """
    mismatch = WarningReason.DATA_SET_DOES_NOT_MATCH_SOP_CLASS if found else None
    reason = candidate.warning or mismatch
    texts = [candidate.text, *found] if candidate.warning else found
    return reason, f"{candidate.place}: {'; '.join(texts)}" if reason else ""


def _number_of_frames(stated: int | None, data_set: DataSet) -> int | None:
    """Return what is stated, as a spectrum without pixel data does too, or 1 for pixel data."""
    if stated is not None and stated > 0:
        return stated
    return 1 if _has_frames(data_set) else None


def _has_frames(data_set: DataSet) -> bool:
    """Tell whether there is pixel data, or a URL of it (PS3.5 A.6)."""
    return data_set.pixel_data is not None or _has_value(data_set, _PIXEL_DATA_PROVIDER_URL)


def _has_value(data_set: DataSet, tag: int) -> bool:
    element = data_set.elements.get(tag)
    return element is not None and len(element.value) > 0

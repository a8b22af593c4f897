"""The rules that an instance must fulfil to be stored, one function each (PS3.18 10.5.2).

Each function returns if its rule holds. If not, it raises InstanceRejected with the rule's reason
and a text that says what was found and what was expected. None of them judges the values that
the index would like to have: an image with an empty patient name is still an image.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dicomweb import conformance, uids
from dicomweb.conformance import StorageProfile
from dicomweb.errors import InstanceRejected
from dicomweb.part10.walker import DOUBLE_FLOAT_PIXEL_DATA, FLOAT_PIXEL_DATA, PixelData
from dicomweb.reasons import FailureReason
from dicomweb.uids import JPEG2000MC, JPEG2000MCLossless, is_uid

SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
STUDY_INSTANCE_UID = 0x0020000D
SERIES_INSTANCE_UID = 0x0020000E
IDENTITY = {
    SOP_CLASS_UID: "SOP Class UID (0008,0016)",
    SOP_INSTANCE_UID: "SOP Instance UID (0008,0018)",
    STUDY_INSTANCE_UID: "Study Instance UID (0020,000D)",
    SERIES_INSTANCE_UID: "Series Instance UID (0020,000E)",
}
"""The UIDs without which there is no instance, as texts name them."""

_PART_2 = frozenset((JPEG2000MC, JPEG2000MCLossless))
_SUBSAMPLED = ("YBR_FULL_422", "YBR_PARTIAL_422")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePixel:
    """What the Image Pixel Module says about a frame, None where it is silent (PS3.3 C.7.6.3)."""

    rows: int | None
    columns: int | None
    samples_per_pixel: int | None
    bits_allocated: int | None
    photometric_interpretation: str

    def bits_a_frame(self, tag: int) -> int:
        """Return the bits of a native frame in the element ``tag``, 0 if it is not described.

        Float pixel data has 32 or 64 bits whatever Bits Allocated says (PS3.3 C.7.6.24, C.7.6.25);
        in YBR_FULL_422, and in YBR_PARTIAL_422, which is retired, two pixels share two chroma
        samples (PS3.3 C.7.6.3.1.2).
        """
        bits = {FLOAT_PIXEL_DATA: 32, DOUBLE_FLOAT_PIXEL_DATA: 64}.get(tag, self.bits_allocated)
        samples = (self.rows or 0) * (self.columns or 0) * (self.samples_per_pixel or 0)
        if self.photometric_interpretation in _SUBSAMPLED:
            samples = samples * 2 // 3
        return samples * (bits or 0)


def _shown(uid: str) -> str:
    """Return the UID of a class or syntax for a text; what is not a UID may hold patient data."""
    return uid if is_uid(uid) else "no UID"


def check_sop_class(sop_class_uid: str, profile: StorageProfile) -> None:
    """Raise 0122 unless this service supports the SOP class (PS3.18 Table I.2-2)."""
    if not conformance.takes_sop_class(profile, sop_class_uid):
        raise InstanceRejected(
            FailureReason.SOP_CLASS_NOT_SUPPORTED,
            f"found {_shown(sop_class_uid)} as SOP class, expected a storage SOP class that the"
            " conformance statement lists",
        )


def check_transfer_syntax(
    transfer_syntax_uid: str, sop_class_uid: str, profile: StorageProfile
) -> None:
    """Raise C122 unless the SOP class may have this transfer syntax (PS3.18 Table I.2-2)."""
    if not conformance.takes_transfer_syntax(profile, sop_class_uid, transfer_syntax_uid):
        raise InstanceRejected(
            FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED,
            f"found {_shown(transfer_syntax_uid)} as transfer syntax, expected one that the"
            " conformance statement lists for the group of the SOP class",
        )


def check_transfer_syntax_is_named(transfer_syntax_uid: str) -> None:
    """Raise C000 without a Transfer Syntax UID, since nothing is then readable (PS3.10 7.1)."""
    if not transfer_syntax_uid:
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            "found no Transfer Syntax UID (0002,0010) in the File Meta Information, expected one",
        )


def check_uid(keyword: str, uid: str | None) -> None:
    """Raise 0120 without the UID, 0121 if it is empty, 0117 if invalid (Type 1; PS3.5 9.1)."""
    if uid is None:
        raise InstanceRejected(
            FailureReason.MISSING_ATTRIBUTE, f"found no {keyword} in the data set, expected one"
        )
    if not uid:
        raise InstanceRejected(
            FailureReason.MISSING_ATTRIBUTE_VALUE, f"found an empty {keyword}, expected a UID"
        )
    if not is_uid(uid):
        raise InstanceRejected(
            FailureReason.INVALID_OBJECT_INSTANCE,
            f"found a {keyword} that is not a UID, expected at most {uids.LONGEST} digits and dots,"
            " without leading zeros",
        )


def check_identity(uids: Mapping[int, str]) -> None:
    """Raise as `check_uid` does unless each of the four UIDs is there, by its tag."""
    for tag, keyword in IDENTITY.items():
        check_uid(keyword, uids.get(tag))


def check_study(study_instance_uid: str, target: str | None) -> None:
    """Raise C409 unless the instance is of the study in the request's URL (PS3.18 10.5.1.1)."""
    if target is not None and study_instance_uid != target:
        raise InstanceRejected(
            FailureReason.STUDY_INSTANCE_UID_MISMATCH,
            "found a Study Instance UID that differs from the one in the URL of the request,"
            " expected them to be equal",
        )


def check_encapsulation(pixel_data: PixelData | None, transfer_syntax_uid: str) -> None:
    """Raise C000 unless pixel data is encapsulated as the transfer syntax says (PS3.5 A.4)."""
    if pixel_data is None:
        return
    encapsulated = pixel_data.fragments is not None
    if encapsulated != conformance.is_encapsulated(transfer_syntax_uid):
        found, expected = ("encapsulated", "native") if encapsulated else ("native", "encapsulated")
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            f"found {found} pixel data, expected {expected} pixel data for this transfer syntax",
        )


def check_fragments(
    pixel_data: PixelData | None, number_of_frames: int, transfer_syntax_uid: str
) -> None:
    """Raise C000 for fewer fragments than frames (PS3.5 A.4).

    One fragment may hold many frames of a video, and of JPEG 2000 Part 2, whose codestream can
    have them as components.
    """
    if pixel_data is None or pixel_data.fragments is None:
        return
    shared = conformance.is_video(transfer_syntax_uid) or transfer_syntax_uid in _PART_2
    expected = 1 if shared else max(number_of_frames, 1)
    if pixel_data.fragments < expected:
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            f"found {pixel_data.fragments} fragments of pixel data, expected at least {expected}",
        )


def check_native_pixel_data(
    pixel_data: PixelData | None, image_pixel: ImagePixel, number_of_frames: int
) -> None:
    """Raise C000 for less native pixel data than the image description needs (PS3.5 8.1).

    More bytes are allowed: some modalities add padding.
    """
    if pixel_data is None or pixel_data.fragments is not None:
        return
    bits = image_pixel.bits_a_frame(pixel_data.tag) * max(number_of_frames, 1)
    if pixel_data.length < (bits + 7) // 8:
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            f"found {pixel_data.length} bytes of pixel data, expected {(bits + 7) // 8} for these"
            " rows, columns, samples, frames and bits",
        )

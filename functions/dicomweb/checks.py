"""What an instance must be to be stored: one rule, one function (PS3.18 10.5.2).

Each function returns if its rule holds and raises InstanceRejected if not, with the reason that
the rule has and a text that says what was found and what was expected. None of them judges the
values that the index would like to have: an image with an empty patient name is still an image.
"""

import re
from dataclasses import dataclass

from pydicom.uid import JPEG2000MC, JPEG2000MCLossless

from dicomweb import conformance
from dicomweb.conformance import StorageProfile
from dicomweb.errors import InstanceRejected
from dicomweb.part10.walker import DOUBLE_FLOAT_PIXEL_DATA, FLOAT_PIXEL_DATA, PixelData
from dicomweb.reasons import FailureReason

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_MAX_UID = 64
_PART_2 = frozenset((JPEG2000MC, JPEG2000MCLossless))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePixel:
    """What the Image Pixel Module says of a frame, None where it is silent (PS3.3 C.7.6.3)."""

    rows: int | None
    columns: int | None
    samples_per_pixel: int | None
    bits_allocated: int | None
    photometric_interpretation: str

    def bits_a_frame(self, tag: int) -> int:
        """Return the bits of a native frame in the element ``tag``, 0 if that is not described.

        Float pixel data has 32 or 64 bits whatever is allocated (PS3.3 C.7.6.24, C.7.6.25); two
        chroma samples of YBR_FULL_422 serve two pixels (PS3.3 C.7.6.3.1.2).
        """
        bits = {FLOAT_PIXEL_DATA: 32, DOUBLE_FLOAT_PIXEL_DATA: 64}.get(tag, self.bits_allocated)
        samples = (self.rows or 0) * (self.columns or 0) * (self.samples_per_pixel or 0)
        if self.photometric_interpretation == "YBR_FULL_422":
            samples = samples * 2 // 3
        return samples * (bits or 0)


def is_uid(text: str) -> bool:
    """Tell whether the text is a UID: digits and dots, no leading zeros, 64 at most (PS3.5 9.1)."""
    return len(text) <= _MAX_UID and _UID.fullmatch(text) is not None


def _shown(uid: str) -> str:
    """Return the UID of a class or syntax for a text; anything else might be anything."""
    return uid if is_uid(uid) else "no UID"


def check_sop_class(sop_class_uid: str, profile: StorageProfile) -> None:
    """SOP class that this service takes, or 0122 (PS3.18 Table I.2-2)."""
    if not conformance.takes_sop_class(profile, sop_class_uid):
        raise InstanceRejected(
            FailureReason.SOP_CLASS_NOT_SUPPORTED,
            f"found {_shown(sop_class_uid)} as SOP class, which is not supported: expected a"
            " storage SOP class of the conformance statement",
        )


def check_transfer_syntax(
    transfer_syntax_uid: str, sop_class_uid: str, profile: StorageProfile
) -> None:
    """Transfer syntax that this service takes for the SOP class, or C122 (PS3.18 Table I.2-2)."""
    if not conformance.takes_transfer_syntax(profile, sop_class_uid, transfer_syntax_uid):
        raise InstanceRejected(
            FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED,
            f"found {_shown(transfer_syntax_uid)} as transfer syntax, which is not supported for"
            " the SOP class: expected one of the conformance statement for its group",
        )


def check_transfer_syntax_is_named(transfer_syntax_uid: str) -> None:
    """Transfer Syntax UID there, without which nothing is readable, or C000 (PS3.10 7.1)."""
    if not transfer_syntax_uid:
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            "found no Transfer Syntax UID (0002,0010) in the File Meta Information",
        )


def check_uid(keyword: str, uid: str | None) -> None:
    """UID present (0120), not empty (0121) and well formed (0117); PS3.3 Type 1, PS3.5 9.1."""
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
            f"found a {keyword} that is not a UID: expected up to {_MAX_UID} digits and dots"
            " without leading zeros",
        )


def check_file_meta(keyword: str, in_file_meta: str, in_data_set: str) -> None:
    """File Meta that identifies the same instance as the data set, or A900 (PS3.10 7.1)."""
    if in_file_meta and in_file_meta != in_data_set:
        raise InstanceRejected(
            FailureReason.DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
            f"found a {keyword} in the data set that differs from the one in the File Meta"
            " Information, expected the same",
        )


def check_study(study_instance_uid: str, target: str | None) -> None:
    """Instance of the study that the request is addressed to, or C409 (PS3.18 10.5.1.1)."""
    if target is not None and study_instance_uid != target:
        raise InstanceRejected(
            FailureReason.STUDY_INSTANCE_UID_MISMATCH,
            "found a Study Instance UID that differs from the study of the target resource",
        )


def check_pixel_data_is_there(
    pixel_data: PixelData | None, image_pixel: ImagePixel, transfer_syntax_uid: str
) -> None:
    """Pixel data where pixels are described, but for JPIP, or C000 (PS3.3 C.7.6.3).

    A file that was cut off before its pixel data, between two elements, shows it nowhere else.
    """
    referenced = conformance.is_referenced(transfer_syntax_uid)
    if pixel_data is None and image_pixel.bits_allocated is not None and not referenced:
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            "found an image description (0028,0100) and no pixel data, expected both",
        )


def check_encapsulation(pixel_data: PixelData | None, transfer_syntax_uid: str) -> None:
    """Pixel data encapsulated if, and only if, the transfer syntax says so, or C000 (PS3.5 A.4)."""
    if pixel_data is None:
        return
    encapsulated = pixel_data.fragments is not None
    if encapsulated != conformance.is_encapsulated(transfer_syntax_uid):
        found, expected = ("encapsulated", "native") if encapsulated else ("native", "encapsulated")
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            f"found {found} pixel data, expected {expected} by the transfer syntax",
        )


def check_fragments(
    pixel_data: PixelData | None, number_of_frames: int, transfer_syntax_uid: str
) -> None:
    """At least a fragment a frame, or C000 (PS3.5 A.4).

    One fragment may hold many frames of a video, and of JPEG 2000 Part 2, whose codestream has
    them as components.
    """
    if pixel_data is None or pixel_data.fragments is None:
        return
    shared = conformance.is_video(transfer_syntax_uid) or transfer_syntax_uid in _PART_2
    expected = 1 if shared else max(number_of_frames, 1)
    if pixel_data.fragments < expected:
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            f"found {pixel_data.fragments} fragments of pixel data, expected {expected} or more",
        )


def check_native_pixel_data(
    pixel_data: PixelData | None, image_pixel: ImagePixel, number_of_frames: int
) -> None:
    """As many bytes of native pixel data as the image description needs, or C000 (PS3.5 8.1).

    More are let pass: they are padding that some modalities add.
    """
    if pixel_data is None or pixel_data.fragments is not None:
        return
    bits = image_pixel.bits_a_frame(pixel_data.tag) * max(number_of_frames, 1)
    if pixel_data.length < (bits + 7) // 8:
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            f"found {pixel_data.length} bytes of pixel data, expected {(bits + 7) // 8} by rows,"
            " columns, samples, frames and bits",
        )

"""What does not match the SOP class and is stored nevertheless, with B007 (PS3.18 Table I.2-1).

Each function returns a text that says what was found and what was expected, or nothing. Such
instances are in use, and every archive takes them: a refused one would be lost.
"""

from dicomweb import conformance
from dicomweb.uids import (
    ConfocalMicroscopyImageStorage,
    ConfocalMicroscopyTiledPyramidalImageStorage,
    MultiFrameSingleBitSecondaryCaptureImageStorage,
    ParametricMapStorage,
    PhotoacousticImageStorage,
    SegmentationStorage,
)

_IMAGE_GROUPS = ("Image", "Video")

# dicomweb.uids has those that pydicom has names for.
_OTHER_IMAGES = frozenset(
    (
        "1.2.840.10008.5.1.1.29",  # Hardcopy Grayscale Image
        "1.2.840.10008.5.1.1.30",  # Hardcopy Color Image
        "1.2.840.10008.5.1.4.1.1.2.3",  # CT For Processing Image
        "1.2.840.10008.5.1.4.1.1.2.4",  # Enhanced CT For Processing Image
        "1.2.840.10008.5.1.4.1.1.2.5",  # Legacy Converted Enhanced CT For Processing Image
        PhotoacousticImageStorage,
        MultiFrameSingleBitSecondaryCaptureImageStorage,
        ParametricMapStorage,
        SegmentationStorage,
        "1.2.840.10008.5.1.4.1.1.66.7",  # Label Map Segmentation
        "1.2.840.10008.5.1.4.1.1.66.8",  # Height Map Segmentation
        ConfocalMicroscopyImageStorage,
        ConfocalMicroscopyTiledPyramidalImageStorage,
    )
)
"""The classes outside the groups of images whose IOD requires pixel data of some kind.

PS3.3 Annex A: RT Dose and MR Spectroscopy may have Rows and Columns but no pixel data.
"""


def file_meta(keyword: str, in_file_meta: str, in_data_set: str) -> str:
    """Say that the File Meta Information names another instance or class (PS3.10 7.1).

    Anonymisers forget group 0002, so the UIDs of the data set are used.
    """
    if not in_file_meta or in_file_meta == in_data_set:
        return ""
    return (
        f"found a {keyword} in the data set that differs from the one in the File Meta"
        " Information, expected the same: the data set takes precedence"
    )


def pixel_data(sop_class_uid: str, *, described: bool, there: bool) -> str:
    """Say that an instance of an image class describes pixels and has none (PS3.3 C.7.6.3).

    Nothing else shows that a file was cut off between two elements before its pixel data.
    """
    if there or not described or not is_image(sop_class_uid):
        return ""
    return (
        "found Rows (0028,0010), Columns (0028,0011) or Bits Allocated (0028,0100) and no pixel"
        " data, expected pixel data as well"
    )


def is_image(sop_class_uid: str) -> bool:
    """Tell whether instances of the SOP class always have pixel data, integer or float."""
    groups = conformance.sop_class_groups()
    return groups.get(sop_class_uid) in _IMAGE_GROUPS or sop_class_uid in _OTHER_IMAGES

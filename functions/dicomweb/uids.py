"""Unique identifiers (PS3.5 9.1), and those that every instance is compared with (PS3.6).

Their names are the keywords of PS3.6. pydicom.uid has most of them as well, but to import
it takes longer than to read an instance.
"""

import re

ImplicitVRLittleEndian = "1.2.840.10008.1.2"
ExplicitVRLittleEndian = "1.2.840.10008.1.2.1"
DeflatedExplicitVRLittleEndian = "1.2.840.10008.1.2.1.99"
JPEG2000MCLossless = "1.2.840.10008.1.2.4.92"
JPEG2000MC = "1.2.840.10008.1.2.4.93"
JPIPReferenced = "1.2.840.10008.1.2.4.94"
JPIPReferencedDeflate = "1.2.840.10008.1.2.4.95"
JPIPHTJ2KReferenced = "1.2.840.10008.1.2.4.204"
JPIPHTJ2KReferencedDeflate = "1.2.840.10008.1.2.4.205"
PhotoacousticImageStorage = "1.2.840.10008.5.1.4.1.1.6.3"
MultiFrameSingleBitSecondaryCaptureImageStorage = "1.2.840.10008.5.1.4.1.1.7.1"
ParametricMapStorage = "1.2.840.10008.5.1.4.1.1.30"
SegmentationStorage = "1.2.840.10008.5.1.4.1.1.66.4"
ConfocalMicroscopyImageStorage = "1.2.840.10008.5.1.4.1.1.77.1.8"
ConfocalMicroscopyTiledPyramidalImageStorage = "1.2.840.10008.5.1.4.1.1.77.1.9"

LONGEST = 64
"""The most characters of a UID."""

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")


def is_uid(text: str) -> bool:
    """Tell whether the text is a UID: digits and dots, no leading zeros, 64 at most (PS3.5 9.1)."""
    return len(text) <= LONGEST and _UID.fullmatch(text) is not None

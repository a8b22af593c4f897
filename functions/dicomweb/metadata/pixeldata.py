"""Make Pixel Data (7FE0,0010) and the attributes that describe it (PS3.18 10.5.1.4, 10.5.2).

Uncompressed pixel data does not describe itself: the whole Image Pixel Description Macro must be
in the metadata. Compressed pixel data describes itself: the macro may be left out where Table
10.5.2-1 allows it, and attributes of the picture that are sent must agree with the bits (PS3.5
8.2). PNG and GIF come out of ``codestreams`` as uncompressed pixels and are written like that.
"""

from collections.abc import Mapping, Sequence

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
)

from dicomweb import conformance
from dicomweb.codestreams import Codestream, describe, description, differences
from dicomweb.codestreams.jpegxl import JPEG_XL, JPEG_XL_JPEG_RECOMPRESSION, JPEG_XL_LOSSLESS
from dicomweb.envelope.mediatypes import OCTET_STREAM, MediaType
from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import InstanceRejected
from dicomweb.metadata.budget import Budget
from dicomweb.metadata.bulkdata import media_type_of
from dicomweb.metadata.datasets import put, sent
from dicomweb.metadata.frames import describe_frames, mismatch, set_lossy, set_number_of_frames
from dicomweb.part10.walker import PIXEL_DATA
from dicomweb.reasons import FailureReason

_MACRO = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
)
"""The Type 1 attributes of the Image Pixel Description Macro (PS3.3 Table C.7-11c)."""

_MACRO_REQUIRED = frozenset(
    (
        "image/dicom-rle",
        "image/jls",
        "image/jphc",
        "image/x-dicom+rle",
        "image/x-dicom-rle",
        "image/x-jls",
    )
)
"""Media types for which Table 10.5.2-1 does not let a sender leave the macro out."""

_MAY_BE_LOSSY: Mapping[str, Sequence[str]] = {
    JPEG2000: (JPEG2000Lossless,),
    HTJ2K: (HTJ2KLossless, HTJ2KLosslessRPCL),
    JPEG_XL: (JPEG_XL_LOSSLESS, JPEG_XL_JPEG_RECOMPRESSION),
    JPEG_XL_JPEG_RECOMPRESSION: (JPEG_XL_LOSSLESS,),
}
"""Transfer syntaxes and those they include: a reversible wavelet may have been truncated."""

_PLANAR_CONFIGURATION = "PlanarConfiguration"
_BITS_A_BYTE = 8


class Reader:
    """Reads the pixel data of the instances of a request.

    Many instances may refer to the same part, so what it is is found out once. Pixels that are
    decoded are not kept: they are taken from the ``budget`` each time.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._found: dict[int, Codestream | InstanceRejected] = {}
        self._media_types: dict[int, MediaType] = {}

    def set_pixel_data(self, data_set: Dataset, parts: Sequence[BodyPart]) -> str:
        """Set pixel data from its parts and return the transfer syntax that it has.

        Raises InstanceRejected: A900 if the metadata lacks required attributes or contradicts the
        bits, C000 or C122 for unreadable or unsupported bits, A700 if the budget is used up.
        """
        media_types = [self._media_type(part) for part in parts]
        if all(_is_uncompressed(media_type) for media_type in media_types):
            return _set_uncompressed(data_set, [part.content for part in parts])
        streams = [self._describe(part) for part in parts]
        _check_same(streams)
        derive = not any(media_type.essence in _MACRO_REQUIRED for media_type in media_types)
        _describe_image(data_set, streams[0], derive=derive)
        describe_frames(data_set, streams)
        contents = [stream.content for stream in streams]
        syntax = _transfer_syntax(streams[0], media_types[0])
        if not conformance.is_encapsulated(syntax):
            return _set_value(data_set, contents)
        if streams[0].lossy_method:
            set_lossy(data_set, streams[0].lossy_method, sum(len(content) for content in contents))
        return _set_encapsulated(data_set, contents, syntax)

    def _media_type(self, part: BodyPart) -> MediaType:
        if part.number not in self._media_types:
            self._media_types[part.number] = media_type_of(part)
        return self._media_types[part.number]

    def _describe(self, part: BodyPart) -> Codestream:
        found = self._found.get(part.number)
        if found is None:
            found = self._read(part)
            if isinstance(found, InstanceRejected) or conformance.is_encapsulated(
                found.transfer_syntax_uid
            ):
                self._found[part.number] = found
        if isinstance(found, InstanceRejected):
            raise InstanceRejected(found.reason, str(found))
        return found

    def _read(self, part: BodyPart) -> Codestream | InstanceRejected:
        try:
            return describe(self._media_type(part).essence, part.content, take=self.budget.take)
        except InstanceRejected as refusal:
            return refusal


def set_inline_pixel_data(data_set: Dataset) -> None:
    """Check pixel data that is in the metadata itself; raises InstanceRejected (A900, C000)."""
    value = data_set[PIXEL_DATA].value
    if not isinstance(value, bytes):
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            "found Pixel Data (7FE0,0010) with a wrong VR, expected OB or OW",
        )
    _set_uncompressed(data_set, [memoryview(value)])


def _is_uncompressed(media_type: MediaType) -> bool:
    syntax = media_type.parameters.get("transfer-syntax", ExplicitVRLittleEndian)
    return media_type.essence == OCTET_STREAM and not conformance.is_encapsulated(syntax)


def _transfer_syntax(stream: Codestream, media_type: MediaType) -> str:
    """Return what the bits say, or what the sender declares if that includes it."""
    declared = media_type.parameters.get("transfer-syntax", "")
    found = stream.transfer_syntax_uid
    return declared if found in _MAY_BE_LOSSY.get(declared, ()) else found


def _check_same(streams: Sequence[Codestream]) -> None:
    first = streams[0]
    kind = (first.transfer_syntax_uid, first.image, first.segments)
    if any(kind != (other.transfer_syntax_uid, other.image, other.segments) for other in streams):
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            "found frames of pixel data that differ in transfer syntax or image, expected them to"
            " be alike",
        )


def _set_uncompressed(data_set: Dataset, frames: Sequence[memoryview]) -> str:
    """Set pixel data that only the metadata describes."""
    missing = _missing(data_set)
    if missing:
        raise mismatch(
            f"found uncompressed pixel data without {', '.join(missing)}, expected them in the"
            " metadata"
        )
    if len(frames) > 1:
        if data_set.BitsAllocated % _BITS_A_BYTE:
            raise InstanceRejected(
                FailureReason.CANNOT_UNDERSTAND,
                "found one part per frame for pixel data whose samples are not whole bytes,"
                " expected one part for all frames",
            )
        set_number_of_frames(data_set, len(frames))
    return _set_value(data_set, frames)


def _set_value(data_set: Dataset, frames: Sequence[memoryview]) -> str:
    """Set uncompressed pixel data; more than 8 bits per sample need VR OW (PS3.5 A.2)."""
    vr = "OW" if data_set.BitsAllocated > _BITS_A_BYTE else data_set[PIXEL_DATA].VR
    vr = vr if vr == "OW" else "OB"
    data_set[PIXEL_DATA] = DataElement(PIXEL_DATA, vr, b"".join(frames))
    return ExplicitVRLittleEndian


def _set_encapsulated(
    data_set: Dataset, frames: Sequence[memoryview], transfer_syntax_uid: str
) -> str:
    """Set compressed pixel data: one fragment per frame, and no offset table (PS3.5 A.4)."""
    value = encapsulate([bytes(frame) for frame in frames], has_bot=False)
    data_set[PIXEL_DATA] = DataElement(PIXEL_DATA, "OB", value, is_undefined_length=True)
    return transfer_syntax_uid


def _missing(data_set: Dataset) -> list[str]:
    """Return the keywords of the macro that are absent, or not numbers where they must be."""
    said = sent(data_set, *_MACRO, _PLANAR_CONFIGURATION)
    needed = _MACRO if said.get("SamplesPerPixel") == 1 else (*_MACRO, _PLANAR_CONFIGURATION)
    return [
        keyword
        for keyword in needed
        if not isinstance(said.get(keyword), str if keyword.startswith("Photometric") else int)
    ]


def _describe_image(data_set: Dataset, stream: Codestream, *, derive: bool) -> None:
    """Check what the metadata says about the image, and add what is missing if that is allowed."""
    said = sent(data_set, *_MACRO, _PLANAR_CONFIGURATION)
    wrong = differences(stream, said)
    if wrong:
        raise mismatch(
            f"found {', '.join(wrong)} other than in the pixel data, expected the same or none"
        )
    found = description(stream.image, said) if stream.image and derive else {}
    for keyword in found.keys() - said.keys():
        put(data_set, keyword, found[keyword])
    missing = _missing(data_set)
    if missing:
        raise mismatch(
            f"found no {', '.join(missing)}, expected them in the metadata for this media type"
        )

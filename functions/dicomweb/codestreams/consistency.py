"""Compare a sender's description of an image with its bits (PS3.5 Section 8.2).

Attributes of the image (rows, columns, samples, signedness, colour) must agree with the bits, if
the bits determine them. Bits Stored and High Bit are suggestions for the decoder, by the notes in
PS3.5 8.2.1: in real images they often differ from the codestream's precision, and viewers show
them.
"""

from collections.abc import Mapping
from typing import Protocol

from pydicom.uid import ExplicitVRLittleEndian

from dicomweb.codestreams.codestream import Codestream, ImagePixelDescription

_SAME_COLOUR = {"YBR_FULL_422": "YBR_FULL"}
_ONE_SAMPLE = frozenset(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"))
_COMPONENT_TRANSFORMS = frozenset(("YBR_ICT", "YBR_RCT"))
_BITS = ("BitsAllocated", "BitsStored", "HighBit")
_MOST_BITS = 64
"""The most that a sample of pixel data has (PS3.3 C.7.6.25)."""


class Attributes(Protocol):
    """Values by keyword, as a pydicom Dataset has them, or a dict."""

    def get(self, keyword: str, /) -> object:
        """Return the value, or None."""


def differences(codestream: Codestream, sent: Attributes) -> list[str]:
    """Return the keywords of the attributes in ``sent`` that the bits contradict.

    Absent and empty ones do not count. Bits Stored and High Bit only have to fit Bits Allocated,
    whatever the precision of the bits (PS3.5 8.2.1, notes); in decoded pixels Bits Allocated is
    that of the bits. YBR_FULL may stand for YBR_FULL_422 and the reverse: senders mix them up,
    and no decoder looks at it.
    """
    if codestream.image is None:
        return _rle_differences(codestream, sent)
    found = codestream.image.attributes()
    contradicted = [
        keyword
        for keyword, value in found.items()
        if keyword not in _BITS
        and sent.get(keyword) not in (None, "")
        and not _agrees(keyword, sent.get(keyword), value, codestream)
    ]
    decoded = codestream.transfer_syntax_uid == ExplicitVRLittleEndian
    return contradicted + _unfit_bits(sent, codestream.image.bits_allocated if decoded else None)


def _agrees(keyword: str, said: object, found: int | str, codestream: Codestream) -> bool:
    if keyword not in codestream.silent:
        return _SAME_COLOUR.get(str(said), str(said)) == _SAME_COLOUR.get(str(found), str(found))
    return keyword != "PhotometricInterpretation" or _is_colour_of(str(said), codestream)


def _is_colour_of(photometric_interpretation: str, codestream: Codestream) -> bool:
    """Tell whether bits that do not state their colour may have this one (PS3.5 8.2.1, notes).

    They still tell how many components there are, and JPEG 2000 whether these are transformed.
    """
    one_sample = codestream.image is not None and codestream.image.samples_per_pixel == 1
    return (
        photometric_interpretation not in _COMPONENT_TRANSFORMS
        and (photometric_interpretation in _ONE_SAMPLE) == one_sample
    )


def _unfit_bits(sent: Attributes, decoded: int | None = None) -> list[str]:
    """Return which of the bits that are sent do not fit; ``decoded`` is what is allocated."""
    allocated, stored, high = (sent.get(keyword) for keyword in _BITS)
    unfit = []
    if not isinstance(allocated, int):
        allocated = _MOST_BITS
    elif allocated < 1 or decoded not in (None, allocated):
        unfit.append("BitsAllocated")
    if isinstance(stored, int) and not 0 < stored <= allocated:
        unfit.append("BitsStored")
    if isinstance(high, int) and high >= allocated:
        unfit.append("HighBit")
    return unfit


def description(image: ImagePixelDescription, sent: Attributes) -> Mapping[str, int | str]:
    """Return the attributes by keyword, to fill in those that ``sent`` leaves out.

    If some of allocated bits, stored bits and high bit are sent, the others are made to fit them.
    """
    allocated, stored, high = (sent.get(keyword) for keyword in _BITS)
    if not isinstance(stored, int):
        most = allocated if isinstance(allocated, int) else image.bits_stored
        stored = min(image.bits_stored, most)
    if not isinstance(high, int):
        high = stored - 1
    needed = (max(stored, high + 1) + 7) // 8 * 8
    return {
        **image.attributes(),
        "BitsAllocated": max(image.bits_allocated, needed),
        "BitsStored": stored,
        "HighBit": high,
    }


def _rle_differences(codestream: Codestream, sent: Attributes) -> list[str]:
    """Return the attributes that the number of RLE segments contradicts (PS3.5 G.2)."""
    samples, bits = sent.get("SamplesPerPixel"), sent.get("BitsAllocated")
    wrong = []
    if (
        isinstance(samples, int)
        and isinstance(bits, int)
        and samples * ((bits + 7) // 8) != codestream.segments
    ):
        wrong = ["SamplesPerPixel", "BitsAllocated"]
    if sent.get("PhotometricInterpretation") in _COMPONENT_TRANSFORMS:
        wrong.append("PhotometricInterpretation")
    return wrong + [keyword for keyword in _unfit_bits(sent) if keyword not in wrong]

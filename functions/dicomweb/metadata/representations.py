"""Find the VR of an attribute that does not state it (PS3.18 F.2.2, PS3.19 A.1.5).

It is taken from the dictionary. If the dictionary offers several, the choice is that of pydicom's
``correct_ambiguous_vr``: Pixel Representation (0028,0103) decides between US and SS, and the bits
of a sample between OB and OW (PS3.5 A.2).
"""

import re
from collections.abc import Callable, Sequence

from pydicom.datadict import dictionary_has_tag, dictionary_VR, masks

from dicomweb.metadata.elements import VALUE_REPRESENTATIONS, value_element
from dicomweb.metadata.metadata import NotUnderstood
from dicomweb.metadata.privateblocks import is_creator
from dicomweb.part10.walker import PIXEL_DATA

_BITS_ALLOCATED = 0x00280100
_PIXEL_REPRESENTATION = 0x00280103
_WAVEFORM_BITS_ALLOCATED = 0x54001004
_WAVEFORM_GROUP = 0x5400
_BITS_A_BYTE = 8

_REPEATING = re.compile("|".join(masks).replace("x", "[0-9A-F]"))
"""pydicom tries one mask after the other, which takes ten times as long."""

Number = Callable[[int], int | None]
"""Returns the number in the attribute with a tag in the data set or item, or None."""


def stated_or_known(tag: int, stated_vr: str | None) -> str:
    """Return the VR, from the dictionary if it is not stated; the dictionary may offer several.

    Raises NotUnderstood for an unknown VR.
    """
    if stated_vr:
        if stated_vr not in VALUE_REPRESENTATIONS:
            raise NotUnderstood("found an unknown VR, expected one of PS3.5 Table 6.2-1")
        return stated_vr
    if tag >> 16 & 1:
        return "LO" if is_creator(tag & 0xFFFF) else "UN"
    return known(tag)


def known(tag: int) -> str:
    """Return the VR in the dictionary, which may offer several, or UN."""
    if dictionary_has_tag(tag) or _REPEATING.fullmatch(f"{tag:08X}"):
        return dictionary_VR(tag)
    return "UN"


def of_numbers(tag: int, vr: str, values: Sequence[object], holders: Sequence[Number]) -> str:
    """Return US or SS for an attribute whose value is numbers.

    ``holders`` are the data set and the items down to the attribute's own; the nearest one with
    Pixel Representation decides. Numbers that fit only the other VR get the other VR.
    """
    if "SS" not in vr:
        return "US"
    found = (number(_PIXEL_REPRESENTATION) for number in reversed(holders))
    representation = next((each for each in found if each is not None), 0)
    likely, other = ("SS", "US") if representation else ("US", "SS")
    return other if not _fits(tag, likely, values) and _fits(tag, other, values) else likely


def of_bytes(tag: int, vr: str, number: Number) -> str:
    """Return OB or OW for an attribute whose value is bytes; ``number`` is that of its holder."""
    if not vr.startswith("OB"):
        return "OW"
    if tag == PIXEL_DATA:
        bits = number(_BITS_ALLOCATED)
    elif tag >> 16 == _WAVEFORM_GROUP:
        bits = number(_WAVEFORM_BITS_ALLOCATED)
    else:
        bits = None
    return "OW" if bits is None or bits > _BITS_A_BYTE else "OB"


def _fits(tag: int, vr: str, values: Sequence[object]) -> bool:
    try:
        value_element(tag, vr, values)
    except NotUnderstood:
        return False
    return True

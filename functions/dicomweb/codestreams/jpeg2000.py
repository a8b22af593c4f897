"""JPEG 2000: ISO/IEC 15444-1, and High-Throughput JPEG 2000: ISO/IEC 15444-15.

The main header is read from SOC to the first SOT: SIZ has the image, COD the transformation.
5-3 is reversible and called lossless, 9-7 is not. What a sender discarded before 5-3, or chose
in the header of a tile, is not examined. Bit 14 of Rsiz and CAP announce Part 15.

A JP2, JPX or JPH file has boxes around the codestream. PS3.5 A.4.4 does not allow them, so they
are stripped; their colour space is kept, and a palette, which would be lost, is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydicom.uid import HTJ2K, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, JPEG2000Lossless

from dicomweb.codestreams.boxes import boxes
from dicomweb.codestreams.codestream import Codestream, image_pixel_description
from dicomweb.codestreams.fields import bounded, field, unreadable, unsigned, unsupported

_CAP, _SIZ, _COD, _COC, _TLM, _SOT = 0xFF50, 0xFF51, 0xFF52, 0xFF53, 0xFF55, 0xFF90
_PART_2, _PART_15, _CAP_PART_15 = 0x8000, 0x4000, 0x20000
_MAX_BITS, _WIDE_INDEX = 38, 257
_REVERSIBLE, _ARBITRARY = 1, 2
_RPCL, _BLOCK_OF_64, _THUMBNAIL = 2, 4, 64
_SYCC = 18
_COLOUR_COMPONENTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """SIZ (15444-1 A.5.1): the image on the reference grid, its tiles and components."""

    capabilities: int
    columns: int
    rows: int
    one_tile: bool
    components: int
    bits: int
    signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coding:
    """COD (15444-1 A.6.1), with the COC segments of components that are coded differently."""

    progression: int
    component_transformation: bool
    levels: int
    block: tuple[int, int]
    reversible: bool


def describe(content: memoryview, *, sycc: bool = False) -> Codestream:
    """Describe a codestream; ``sycc`` says that the boxes around it had the colour space sYCC.

    Raises InstanceRejected: C122 for Part 2, for components that differ or are not 1 or 3 in
    number, C000 for bits that violate 15444-1 Annex A.
    """
    segments = _main_header(content)
    size = _size(_first(segments, _SIZ))
    coding = _coding(segments, size.components)
    colour, silent = _colour(size.components, coding, sycc=sycc)
    image = image_pixel_description(
        rows=size.rows,
        columns=size.columns,
        photometric_interpretation=colour,
        bits_stored=size.bits,
        signed=size.signed,
    )
    transfer_syntax_uid, standard = _transfer_syntax(segments, size, coding)
    return Codestream(
        transfer_syntax_uid=transfer_syntax_uid,
        content=content,
        image=image,
        silent=silent,
        lossy_method=None if coding.reversible else standard,
    )


def describe_file(content: memoryview) -> Codestream:
    """Describe the first codestream of a JP2, JPX or JPH file, which becomes the content.

    Raises InstanceRejected as `describe`, and C122 if the pixels are indices into a palette.
    """
    sycc = False
    for kind, box in boxes(content):
        if kind == b"jp2h":
            sycc = _is_sycc(box)
        elif kind == b"jp2c":
            return describe(box, sycc=sycc)
    raise unreadable("found no codestream (jp2c box) in the JPEG 2000 file, expected one")


def _is_sycc(header: memoryview) -> bool:
    """Tell whether the colour specification (15444-1 I.5.3.3) is the enumerated sYCC."""
    found = dict(boxes(header))
    if b"pclr" in found:
        raise unsupported("found a JPEG 2000 palette, which DICOM cannot hold, expected no palette")
    colour = found.get(b"colr", memoryview(b""))
    return bytes(colour[:1]) == b"\1" and unsigned(colour, 3, 4) == _SYCC


def _main_header(content: memoryview) -> Mapping[int, list[memoryview]]:
    segments: dict[int, list[memoryview]] = {}
    for marker, segment in bounded(_segments(content)):
        segments.setdefault(marker, []).append(segment)
    return segments


def _segments(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    offset = 2
    while (marker := unsigned(content, offset, 2)) != _SOT:
        length = unsigned(content, offset + 2, 2)
        if marker < _CAP or length <= 1:
            raise unreadable(f"found no JPEG 2000 marker segment at byte {offset}, expected one")
        yield marker, field(content, offset + 4, length - 2)
        offset += 2 + length


def _first(segments: Mapping[int, list[memoryview]], marker: int) -> memoryview:
    if marker not in segments:
        raise unreadable(
            f"found no JPEG 2000 segment {marker:04X} before the first tile, expected one"
        )
    return segments[marker][0]


def _size(segment: memoryview) -> _Size:
    capabilities, count = unsigned(segment, 0, 2), unsigned(segment, 34, 2)
    x, y, left, top, tile_width, tile_height, tile_left, tile_top = (
        unsigned(segment, offset, 4) for offset in range(2, 34, 4)
    )
    depth, *alike = bytes(field(segment, 36, 3 * count)) or b"\0"
    if capabilities & _PART_2:
        raise unsupported("found a codestream of JPEG 2000 Part 2, expected Part 1 or Part 15")
    if alike != [1, 1, *[depth, 1, 1] * (count - 1)] or depth & 0x7F >= _MAX_BITS:
        raise unsupported(
            "found JPEG 2000 components of different depth or sampling or of more than 38 bits,"
            " expected equal components of at most 38"
        )
    return _Size(
        capabilities=capabilities,
        columns=x - left,
        rows=y - top,
        one_tile=tile_left + tile_width >= x and tile_top + tile_height >= y,
        components=count,
        bits=(depth & 0x7F) + 1,
        signed=depth > 0x7F,  # noqa: PLR2004 # 15444-1 Table A.11: the top bit is the sign
    )


def _coding(segments: Mapping[int, list[memoryview]], components: int) -> _Coding:
    default = _first(segments, _COD)
    transformation = 6 if components < _WIDE_INDEX else 7
    kernels = {unsigned(default, 9, 1)}
    kernels |= {unsigned(own, transformation, 1) for own in segments.get(_COC, [])}
    if max(kernels) >= _ARBITRARY:
        raise unsupported("found another JPEG 2000 transformation, expected 5-3 or 9-7")
    return _Coding(
        progression=default[1],
        component_transformation=default[4] == 1,
        levels=default[5],
        block=(default[6], default[7]),
        reversible=kernels == {_REVERSIBLE},
    )


def _colour(components: int, coding: _Coding, *, sycc: bool) -> tuple[str, frozenset[str]]:
    """Return the Photometric Interpretation (PS3.5 8.2.4), and which attributes are left open."""
    silent = frozenset({"PlanarConfiguration"})
    if components == 1:
        return "MONOCHROME2", silent | {"PhotometricInterpretation"}
    if components != _COLOUR_COMPONENTS:
        raise unsupported(f"found {components} JPEG 2000 components, expected 1 or 3")
    if coding.component_transformation:
        return "YBR_RCT" if coding.reversible else "YBR_ICT", silent
    if sycc:
        return "YBR_FULL", silent
    return "RGB", silent | {"PhotometricInterpretation"}


def _transfer_syntax(
    segments: Mapping[int, list[memoryview]], size: _Size, coding: _Coding
) -> tuple[str, str]:
    """Return the transfer syntax and the name of the standard as a lossy method."""
    if not size.capabilities & _PART_15:
        return JPEG2000Lossless if coding.reversible else JPEG2000, "ISO_15444_1"
    if not unsigned(_first(segments, _CAP), 0, 4) & _CAP_PART_15:
        raise unsupported("found another part of JPEG 2000, expected Part 1 or Part 15")
    if not coding.reversible:
        return HTJ2K, "ISO_15444_15"
    rpcl = _TLM in segments and _is_progressive(size, coding)
    return HTJ2KLosslessRPCL if rpcl else HTJ2KLossless, "ISO_15444_15"


def _is_progressive(size: _Size, coding: _Coding) -> bool:
    """Tell whether a thumbnail comes first (PS3.5 10.18), in one tile of 64 x 64 blocks."""
    base = -(-min(size.rows, size.columns) >> coding.levels)
    blocks = coding.block == (_BLOCK_OF_64, _BLOCK_OF_64)
    return size.one_tile and coding.progression == _RPCL and blocks and base <= _THUMBNAIL

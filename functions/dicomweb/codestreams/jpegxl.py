"""JPEG XL (PS3.5 8.2.15): ISO/IEC 18181-1, and the boxes around it of ISO/IEC 18181-2.

The codestream's headers are read up to the colour space: size, bits, components, and whether they
were transformed to XYB, as lossy encoders do. Without XYB it is called lossless, unless the sender
promises less in ``transfer-syntax``. A recompressed JPEG has a box with what rebuilds it, so boxes
are kept.
"""

from dicomweb.codestreams.boxes import boxes
from dicomweb.codestreams.codestream import Codestream, image_pixel_description
from dicomweb.codestreams.fields import unreadable, unsupported

# pydicom.uid has no names for these.
JPEG_XL_LOSSLESS = "1.2.840.10008.1.2.4.110"
JPEG_XL_JPEG_RECOMPRESSION = "1.2.840.10008.1.2.4.111"
JPEG_XL = "1.2.840.10008.1.2.4.112"

_HEADER_BYTES = 64
_PART_INDEX = 4
_GREY, _COLOURS = 1, (0, 1)
_RATIOS = (None, (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_SILENT = frozenset({"PhotometricInterpretation", "PixelRepresentation", "PlanarConfiguration"})


def describe(content: memoryview) -> Codestream:
    """Describe a bare codestream.

    Raises InstanceRejected: C122 for animations, previews, extra channels, floating point and
    rotation, for which there are no attributes here, C000 for headers that end too soon.
    """
    return _describe(content, content, recompressed=False)


def describe_file(content: memoryview) -> Codestream:
    """Describe a file of boxes, which may hold the codestream in parts; raises as `describe`."""
    header, recompressed = b"", False
    for kind, box in boxes(content):
        if kind == b"jxlc":
            header += bytes(box[:_HEADER_BYTES])
        elif kind == b"jxlp":
            header += bytes(box[_PART_INDEX : _PART_INDEX + _HEADER_BYTES])
        recompressed |= kind == b"jbrd"
    return _describe(content, memoryview(header), recompressed=recompressed)


def _describe(content: memoryview, header: memoryview, *, recompressed: bool) -> Codestream:
    if bytes(header[:2]) != b"\xff\x0a":
        raise unreadable("found JPEG XL boxes without a codestream, expected one")
    bits = _Bits(header[2:])
    columns, rows = _size(bits)
    bits_stored, xyb, grey = _image_metadata(bits)
    colour = "MONOCHROME2" if grey else "XYB" if xyb else "YBR_FULL" if recompressed else "RGB"
    syntax, lossy_method = JPEG_XL_LOSSLESS, None
    if recompressed:
        syntax, lossy_method = JPEG_XL_JPEG_RECOMPRESSION, "ISO_10918_1"
    elif xyb:
        syntax, lossy_method = JPEG_XL, "ISO_18181_1"
    return Codestream(
        transfer_syntax_uid=syntax,
        content=content,
        image=image_pixel_description(
            rows=rows,
            columns=columns,
            photometric_interpretation=colour,
            bits_stored=bits_stored,
        ),
        silent=_SILENT,
        lossy_method=lossy_method,
    )


class _Bits:
    """Reads a header from its first bit on, least significant first."""

    def __init__(self, header: memoryview) -> None:
        self._bytes = bytes(header[:_HEADER_BYTES])
        self._number = int.from_bytes(self._bytes, "little")
        self._read = 0

    def unsigned(self, count: int) -> int:
        found = self._number >> self._read & (1 << count) - 1
        self._read += count
        if self._read > 8 * len(self._bytes):
            raise unreadable("found the end of the JPEG XL headers inside a field, expected more")
        return found

    def flag(self) -> bool:
        return self.unsigned(1) == 1

    def choice(self, *ways: tuple[int, int]) -> int:
        """Read one of four distributions, each an offset and the number of bits to be added."""
        offset, count = ways[self.unsigned(2)]
        return offset + self.unsigned(count)


def _size(bits: _Bits) -> tuple[int, int]:
    """Read SizeHeader and return columns and rows."""
    small = bits.flag()
    rows = _length(bits, small=small)
    ratio = _RATIOS[bits.unsigned(3)]
    columns = rows * ratio[0] // ratio[1] if ratio else _length(bits, small=small)
    return columns, rows


def _length(bits: _Bits, *, small: bool) -> int:
    if small:
        return 8 * (bits.unsigned(5) + 1)
    return bits.choice((1, 9), (1, 13), (1, 18), (1, 30))


def _image_metadata(bits: _Bits) -> tuple[int, bool, bool]:
    """Read ImageMetadata: the bits of a sample, whether it is XYB, and whether it is grey."""
    if bits.flag():
        return 8, True, False
    if bits.flag():
        _extra_fields(bits)
    if bits.flag():
        raise unsupported("found JPEG XL samples in floating point, expected integers")
    bits_stored = bits.choice((8, 0), (10, 0), (12, 0), (1, 6))
    bits.flag()
    if bits.choice((0, 0), (1, 0), (2, 4), (1, 12)):
        raise unsupported("found a JPEG XL image with extra channels, expected none")
    return bits_stored, bits.flag(), _is_grey(bits)


def _extra_fields(bits: _Bits) -> None:
    orientation = bits.unsigned(3)
    if bits.flag():
        _size(bits)
    if orientation or bits.flag() or bits.flag():
        raise unsupported(
            "found a JPEG XL image that is rotated, animated or has a preview, expected none of"
            " these"
        )


def _is_grey(bits: _Bits) -> bool:
    if bits.flag():
        return False
    bits.flag()
    colour_space = bits.choice((0, 0), (1, 0), (2, 4), (18, 6))
    if colour_space not in _COLOURS:
        raise unsupported("found another JPEG XL colour space, expected RGB or grey")
    return colour_space == _GREY

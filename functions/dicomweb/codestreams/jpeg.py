"""JPEG: ITU-T T.81 (ISO/IEC 10918-1), and JPEG-LS: ITU-T T.87 (ISO/IEC 14495-1).

Both have the marker segments of T.81 Annex B. They are walked from SOI to the first SOS, however
far: consumer cameras put previews of more than 16 KB before it. The frame header gives the
process, and with it the transfer syntax, and the scan header gives the predictor or NEAR.

T.81 does not define colour (PS3.5 8.2.1, notes). A transform in Adobe's APP14 means YCbCr; no
transform, or the component ids R, G, B, mean RGB. JFIF means YCbCr too, but many toolkits write it
into RGB images as well: it is assumed to mean YCbCr, but does not contradict the sender. Lossless
JPEG and JPEG-LS have no such convention; RGB is the common case. Progressive JPEG has no transfer
syntax any more (1.2.840.10008.1.2.4.55 is retired). It is refused: to call it Baseline, as
dcm4chee can, would be wrong.
"""

import re
from collections.abc import Iterator, Mapping

from pydicom.uid import (
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

from dicomweb.codestreams.codestream import Codestream, image_pixel_description
from dicomweb.codestreams.fields import bounded, field, unreadable, unsigned, unsupported

_EOI, _SOS, _APP0, _APP14 = 0xD9, 0xDA, 0xE0, 0xEE
_BASELINE, _EXTENDED, _PROGRESSIVE, _LOSSLESS, _JPEG_LS = 0xC0, 0xC1, 0xC2, 0xC3, 0xF7
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {_JPEG_LS}
_WITHOUT_LENGTH = frozenset(range(0xD0, 0xD9)) | {0x01}
_PRECISIONS = {
    _BASELINE: range(8, 9),
    _EXTENDED: range(8, 13, 4),
    _LOSSLESS: range(2, 17),
    _JPEG_LS: range(2, 17),
}
_SILENT = frozenset({"PixelRepresentation", "PlanarConfiguration"})
_COLOUR_TOO = _SILENT | {"PhotometricInterpretation"}
_MARKER = re.compile(rb"\xff+([^\xff])")
_ADOBE_TRANSFORM = 11
_COLOUR_COMPONENTS = 3


def describe(content: memoryview) -> Codestream:
    """Describe a JPEG or JPEG-LS image.

    Raises InstanceRejected: C122 for a process without a transfer syntax and for any number of
    components but 1 and 3, C000 for bits that violate T.81 Annex B or T.87 Annex C.
    """
    segments = _first_segments(content)
    process, frame = _frame_header(segments)
    precision = unsigned(frame, 0, 1)
    if precision not in _PRECISIONS[process]:
        raise unreadable(
            f"found {precision} bits per sample, which the JPEG process does not allow"
        )
    transfer_syntax_uid, lossy_method = _coding(process, segments[_SOS])
    photometric_interpretation, silent = _colour(process, frame, segments)
    return Codestream(
        transfer_syntax_uid=transfer_syntax_uid,
        content=content,
        image=image_pixel_description(
            rows=unsigned(frame, 1, 2),
            columns=unsigned(frame, 3, 2),
            photometric_interpretation=photometric_interpretation,
            bits_stored=precision,
        ),
        silent=silent,
        lossy_method=lossy_method,
    )


def _first_segments(content: memoryview) -> dict[int, memoryview]:
    """Return the first segment of each marker up to the first scan, in their order."""
    segments: dict[int, memoryview] = {}
    for marker, segment in bounded(_segments(content)):
        segments.setdefault(marker, segment)
        if marker == _SOS:
            return segments
    raise unreadable("found the end of the JPEG image before any scan, expected a scan")


def _segments(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    offset = 2
    while True:
        found = _MARKER.match(content, offset)
        if not found:
            raise unreadable(f"found no JPEG marker at byte {offset}, expected one")
        marker, offset = found[1][0], found.end()
        if marker == _EOI:
            return
        size = 0 if marker in _WITHOUT_LENGTH else unsigned(content, offset, 2)
        yield marker, field(content, offset, size)[2:]
        offset += size


def _frame_header(segments: Mapping[int, memoryview]) -> tuple[int, memoryview]:
    """Return process and frame header; of several the first counts, as in decoders."""
    process = next((marker for marker in segments if marker in _FRAME_HEADERS), None)
    if process is None:
        raise unreadable("found no JPEG frame header before the first scan, expected one")
    if process == _PROGRESSIVE:
        raise unsupported("found progressive JPEG (SOF2), which no current transfer syntax allows")
    if process not in _PRECISIONS:
        raise unsupported(
            f"found JPEG process SOF{process - _BASELINE}, for which there is no transfer syntax"
        )
    frame = segments[process]
    field(frame, 6, 3 * unsigned(frame, 5, 1))
    return process, frame


def _coding(process: int, scan: memoryview) -> tuple[str, str | None]:
    """Return the transfer syntax and, if lossy, the Lossy Image Compression Method."""
    predictor_or_near = unsigned(scan, 1 + 2 * unsigned(scan, 0, 1), 1)
    if process == _BASELINE:
        return JPEGBaseline8Bit, "ISO_10918_1"
    if process == _EXTENDED:
        return JPEGExtended12Bit, "ISO_10918_1"
    if process == _LOSSLESS:
        return JPEGLosslessSV1 if predictor_or_near == 1 else JPEGLossless, None
    if predictor_or_near:
        return JPEGLSNearLossless, "ISO_14495_1"
    return JPEGLSLossless, None


def _colour(
    process: int, frame: memoryview, segments: Mapping[int, memoryview]
) -> tuple[str, frozenset[str]]:
    """Return the Photometric Interpretation, and which attributes the bits leave open."""
    components = frame[5]
    if components == 1:
        return "MONOCHROME2", _COLOUR_TOO
    if components != _COLOUR_COMPONENTS:
        raise unsupported(f"found {components} JPEG components, expected 1 or 3")
    if process in (_LOSSLESS, _JPEG_LS):
        return "RGB", _COLOUR_TOO
    is_rgb = _says_rgb(frame, segments)
    if is_rgb:
        return "RGB", _SILENT
    subsampled = len(set(frame[7::3])) > 1
    ycbcr = "YBR_FULL_422" if subsampled else "YBR_FULL"
    return ycbcr, _COLOUR_TOO if is_rgb is None else _SILENT


def _says_rgb(frame: memoryview, segments: Mapping[int, memoryview]) -> bool | None:
    """Tell RGB from YCbCr; None if nothing says so, which decoders take for YCbCr.

    JFIF contradicts RGB, and decoders differ on what the two together mean.
    """
    adobe = segments.get(_APP14, b"")
    is_rgb = True if bytes(frame[6::3]) == b"RGB" else None
    if adobe[:5] == b"Adobe" and len(adobe) > _ADOBE_TRANSFORM:
        is_rgb = adobe[_ADOBE_TRANSFORM] == 0
    return None if is_rgb and segments.get(_APP0, b"")[:5] == b"JFIF\0" else is_rgb

"""Pixel data from its bits: which transfer syntax it has and what image it holds.

There is one file for each standard, and each has a ``describe``. The bits decide, never the label:
for example, the default transfer syntax of ``image/jpeg`` is Lossless SV1 (PS3.18 Table 8.7.3-5),
which a camera never writes. Uncompressed pixel data (application/octet-stream) does not describe
itself and does not concern this package.
"""

from collections.abc import Callable

from dicomweb.codestreams import jpeg, jpeg2000, jpegxl, mp4, mpeg2, mpegsystems, rendered, rle
from dicomweb.codestreams.codestream import Cine, Codestream, ImagePixelDescription
from dicomweb.codestreams.consistency import description, differences
from dicomweb.codestreams.fields import unreadable, unsupported

__all__ = [
    "MEDIA_TYPES",
    "Cine",
    "Codestream",
    "ImagePixelDescription",
    "describe",
    "description",
    "differences",
]

MEDIA_TYPES = frozenset(
    {
        "image/dicom-rle",
        "image/gif",
        "image/j2c",
        "image/jls",
        "image/jp2",
        "image/jpeg",
        "image/jph",
        "image/jphc",
        "image/jpx",
        "image/jxl",
        "image/png",
        "image/x-dicom+rle",
        "image/x-dicom-rle",
        "image/x-jls",
        "video/h265",
        "video/mp4",
        "video/mpeg",
        "video/mpeg2",
        "video/quicktime",
    }
)
"""The media types of the codings read here: PS3.18 Table 8.7.3-5 and their former names."""

_JP2_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
_JXL_SIGNATURE = b"\0\0\0\x0cJXL \r\n\x87\n"
_BEGINNINGS: tuple[tuple[bytes, Callable[[memoryview], Codestream]], ...] = (
    (b"\xff\xd8", jpeg.describe),
    (b"\xff\x4f\xff\x51", jpeg2000.describe),
    (_JP2_SIGNATURE, jpeg2000.describe_file),
    (b"\xff\x0a", jpegxl.describe),
    (_JXL_SIGNATURE, jpegxl.describe_file),
    (b"\0\0\1\xb3", mpeg2.describe),
    (b"\0\0\1\xba", lambda content: mpeg2.describe(content, mpegsystems.program_stream)),
)
_PNG, _GIF = b"\x89PNG\r\n\x1a\n", b"GIF8"


def describe(
    media_type: str, content: memoryview, *, take: rendered.Take = rendered.freely
) -> Codestream:
    """Describe one part of pixel data; ``media_type`` is type/subtype in lower case.

    A PNG or GIF is decoded, and ``take`` is called with the bytes that its frames take before
    they do: all those of a request share the memory that the request may use.

    The media type is used only to say why nothing was recognized: for one of `MEDIA_TYPES` the
    bits are something else (C000), any other type is an unsupported coding (C122). Raises
    InstanceRejected with these reasons, and with A700 for a PNG or GIF that exceeds the limits.
    """
    start = bytes(content[:12])
    for beginning, describe_content in _BEGINNINGS:
        if start.startswith(beginning):
            return describe_content(content)
    if start.startswith(_PNG):
        return rendered.describe_png(content, rendered.Limits(take=take))
    if start.startswith(_GIF):
        return rendered.describe_gif(content, rendered.Limits(take=take))
    return _describe_by_structure(media_type, content, start)


def _describe_by_structure(media_type: str, content: memoryview, start: bytes) -> Codestream:
    """Describe a coding that does not begin with fixed bytes."""
    if start[4:8] == b"ftyp":
        return mp4.describe(content)
    if rle.is_rle(content):
        return rle.describe(content)
    if mpegsystems.is_transport_stream(content):
        return mpeg2.describe(content, mpegsystems.transport_stream)
    if start.startswith((b"\0\0\1", b"\0\0\0\1")):
        raise unsupported("found a raw video stream, expected H.264 or H.265 in an MP4 file")
    if media_type in MEDIA_TYPES:
        raise unreadable(f"found content in another format, expected {media_type}")
    raise unsupported(f"found {media_type}, for which there is no transfer syntax")

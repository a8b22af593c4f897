"""PNG and GIF: transformed to uncompressed pixels, as PS3.18 Table 10.5.2-1 requires.

Pillow decodes; it is imported with the first such image. Transparency is discarded and a palette
becomes RGB, as the table allows, grey stays grey, 16 bits stay 16, fewer than 8 become 8. The
frames of an animation become frames. Images that Pillow would reduce, 16 bits in colour or with
transparency, are refused. Sizes are read before anything is decoded: a GIF of a few bytes can
unfold to gigabytes. So can the texts and the colour profiles of a PNG image, so Pillow is given
none of them.
"""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from pydicom.uid import ExplicitVRLittleEndian

from dicomweb.codestreams import gif
from dicomweb.codestreams.codestream import Cine, Codestream, image_pixel_description
from dicomweb.codestreams.fields import field, unreadable, unsigned, unsupported
from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_FRAMES = 2000
MAX_PIXELS = 40_000_000
"""For all frames together."""

Take = Callable[[int], None]
"""Takes so many bytes for pixels; raises InstanceRejected if there are no longer so many."""

_MODES = {"I;16": (16, "MONOCHROME2"), "L": (8, "MONOCHROME2"), "RGB": (8, "RGB")}
"""Bits Stored and Photometric Interpretation for each Pillow mode that is used here."""

_SAMPLES = {"MONOCHROME2": 1, "RGB": 3}
_BITS_A_BYTE = 8

_PIXELS_AT_ONCE = 1 << 18
"""So many are converted together, in whole rows: all of them would be in memory several times."""

_COPIES, _PILLOW_BYTES = 4, 4
"""The frames that Pillow holds of an animation at the same time, and the bytes of a pixel."""

_BYTES_A_FRAME, _BYTES_A_CHUNK = 8192, 256
"""What is taken for the time of frames without pixels, chunks of PNG, and blocks of GIF."""

_SIXTEEN_BITS, _GREY, _GREYS = 16, 0, (0, 4)

_PNG_SIGNATURE = 8
_CHUNK_AROUND, _CHUNK_HEADER = 12, 8
_OF_PIXELS = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"))
"""The chunks of PNG that say anything about its pixels."""


def freely(size: int) -> None:
    """Take any number of bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a PNG or GIF image may unfold to; its pixels are taken before they are decoded."""

    take: Take = freely
    pixels: int = MAX_PIXELS
    frames: int = MAX_FRAMES


_NO_OTHERS = Limits()


def describe_png(content: memoryview, limits: Limits = _NO_OTHERS) -> Codestream:
    """Decode a PNG image (ISO/IEC 15948).

    Raises InstanceRejected: C122 for 16 bits in colour or with transparency, A700 beyond the
    limits, C000 if it cannot be decoded.
    """
    columns, rows = unsigned(content, 16, 4), unsigned(content, 20, 4)
    depth, colour_type = field(content, 24, 2)
    if depth == _SIXTEEN_BITS and colour_type != _GREY:
        raise unsupported(
            "found a PNG image with 16 bits per sample in colour or with transparency, expected 8"
            " bits or plain grey"
        )
    grey = "I;16" if depth == _SIXTEEN_BITS else "L"
    mode = grey if colour_type in _GREYS else "RGB"
    return _decode(_pixel_chunks(content, limits.take), (columns, rows), mode, limits)


def describe_gif(content: memoryview, limits: Limits = _NO_OTHERS) -> Codestream:
    """Decode a GIF image (GIF89a); raises InstanceRejected (A700, C000) as `describe_png`."""
    if bytes(content[-2:]).rstrip(b"\0")[-1:] != b";":
        raise unreadable("found a GIF image without a trailer, expected a complete image")
    size = struct.unpack("<HH", field(content, 6, 4))
    for _ in gif.blocks(content):
        limits.take(_BYTES_A_CHUNK)
    return _decode(BytesIO(content), size, "RGB", limits)


def _pixel_chunks(content: memoryview, take: Take) -> BytesIO:
    """Return a PNG image without its texts, profiles and private chunks (ISO/IEC 15948 5.3).

    What is no chunk is left to Pillow.
    """
    kept = BytesIO()
    kept.write(content[:_PNG_SIGNATURE])
    offset = _PNG_SIGNATURE
    while len(content) - offset >= _CHUNK_AROUND:
        take(_BYTES_A_CHUNK)
        end = offset + _CHUNK_AROUND + unsigned(content, offset, 4)
        if content[offset + 4 : offset + _CHUNK_HEADER].tobytes() in _OF_PIXELS:
            kept.write(content[offset:end])
        offset = end
    kept.seek(0)
    return kept


def _decode(file: BytesIO, size: tuple[int, ...], mode: str, limits: Limits) -> Codestream:
    columns, rows = size
    bits_stored, colour = _MODES[mode]
    image = image_pixel_description(
        rows=rows, columns=columns, photometric_interpretation=colour, bits_stored=bits_stored
    )
    pixels, times = bytearray(), list[float]()
    most = min(limits.frames, limits.pixels // (columns * rows))
    with _refused_if_broken():
        for frame in _frames(file, size, most):
            if len(times) == 1:  # an animation, of which Pillow holds more than a frame
                limits.take(columns * rows * _COPIES * _PILLOW_BYTES)
            samples = columns * rows * _SAMPLES[colour]
            limits.take(samples * bits_stored // _BITS_A_BYTE + (_BYTES_A_FRAME if times else 0))
            for strip in _strips(frame, mode):
                pixels += strip
            times.append(float(frame.info.get("duration", 0)))
    return Codestream(
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content=memoryview(pixels),
        image=image,
        cine=_cine(times) if len(times) > 1 else None,
    )


@contextmanager
def _refused_if_broken() -> Iterator[None]:
    """Make InstanceRejected of what Pillow raises: A700 if it finds too much, otherwise C000."""
    from PIL import Image  # noqa: PLC0415 # 40 ms that few requests need

    too_large = (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError)
    try:
        yield
    except InstanceRejected:
        raise
    except too_large as error:
        raise _too_large() from error
    except Exception as error:  # Pillow passes on any error of its plugins.
        raise unreadable("found a PNG or GIF image that cannot be decoded") from error


def _frames(file: BytesIO, size: tuple[int, ...], most: int) -> Iterator["Image"]:
    """Yield the frames, which are decoded when their pixels are asked for.

    Raises InstanceRejected (A700) if there are more than ``most``, and what Pillow raises.
    """
    from PIL import Image, ImageSequence  # noqa: PLC0415 # as above

    with Image.open(file, formats=("PNG", "GIF")) as image:
        for number, frame in enumerate(ImageSequence.Iterator(image)):
            _check(number, frame, size, most)
            yield frame


def _check(number: int, frame: "Image", size: tuple[int, ...], most: int) -> None:
    if number >= most:
        raise _too_large()
    if frame.size != size:
        raise unreadable(
            "found a frame that is larger than its image, expected at most the image's size"
        )


def _strips(frame: "Image", mode: str) -> Iterator[bytes]:
    """Yield the samples of a frame without its transparency, some rows at a time.

    A palette is converted to RGBA first, because otherwise Pillow warns about lost transparency.
    """
    columns, rows = frame.size
    height = max(1, _PIXELS_AT_ONCE // columns)
    for top in range(0, rows, height):
        strip = frame.crop((0, top, columns, min(top + height, rows)))
        if strip.mode == "P":
            strip = strip.convert("RGBA")
        yield (strip if strip.mode == mode else strip.convert(mode)).tobytes()


def _too_large() -> InstanceRejected:
    return InstanceRejected(
        FailureReason.OUT_OF_RESOURCES,
        "pixel data: found a PNG or GIF image that is too large when decoded, expected fewer or"
        " smaller frames",
    )


def _cine(times: list[float]) -> Cine:
    """Return the frame times; a GIF whose times are all 0 has none."""
    if len(set(times)) > 1:
        return Cine(number_of_frames=len(times), frame_time_vector=(0.0, *times[:-1]))
    return Cine(number_of_frames=len(times), frame_time=times[0] or None)

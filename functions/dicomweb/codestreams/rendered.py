"""PNG and GIF: transformed to uncompressed pixels, as PS3.18 Table 10.5.2-1 requires.

Pillow decodes; it is imported with the first such image. Transparency is discarded and a palette
becomes RGB, as the table allows, grey stays grey, 16 bits stay 16, fewer than 8 become 8. The
frames of an animation become frames. Images that Pillow would reduce, 16 bits in colour or with
transparency, are refused. Sizes are read before anything is decoded: a GIF of a few bytes can
unfold to gigabytes.
"""

import struct
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING

from pydicom.uid import ExplicitVRLittleEndian

from dicomweb.codestreams.codestream import Cine, Codestream, image_pixel_description
from dicomweb.codestreams.fields import field, unreadable, unsigned, unsupported
from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_FRAMES = 2000
MAX_PIXELS = 40_000_000
"""For all frames together: 120 MB of RGB, for which Pillow may use 600 MB."""

_MODES = {"I;16": (16, "MONOCHROME2"), "L": (8, "MONOCHROME2"), "RGB": (8, "RGB")}
"""Bits Stored and Photometric Interpretation for each Pillow mode that is used here."""

_SIXTEEN_BITS, _GREY, _GREYS = 16, 0, (0, 4)


def describe_png(
    content: memoryview, *, max_pixels: int = MAX_PIXELS, max_frames: int = MAX_FRAMES
) -> Codestream:
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
    return _decode(content, (columns, rows), mode, max_pixels, max_frames)


def describe_gif(
    content: memoryview, *, max_pixels: int = MAX_PIXELS, max_frames: int = MAX_FRAMES
) -> Codestream:
    """Decode a GIF image (GIF89a); raises InstanceRejected (A700, C000) as `describe_png`."""
    if bytes(content[-2:]).rstrip(b"\0")[-1:] != b";":
        raise unreadable("found a GIF image without a trailer, expected a complete image")
    size = struct.unpack("<HH", field(content, 6, 4))
    return _decode(content, size, "RGB", max_pixels, max_frames)


def _decode(
    content: memoryview, size: tuple[int, ...], mode: str, max_pixels: int, max_frames: int
) -> Codestream:
    columns, rows = size
    bits_stored, colour = _MODES[mode]
    image = image_pixel_description(
        rows=rows, columns=columns, photometric_interpretation=colour, bits_stored=bits_stored
    )
    pixels, times = bytearray(), []
    most = min(max_frames, max_pixels // (columns * rows))
    for frame, time in _frames(content, mode, size, most):
        pixels += frame
        times.append(time)
    return Codestream(
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content=memoryview(pixels),
        image=image,
        cine=_cine(times) if len(times) > 1 else None,
    )


def _frames(
    content: memoryview, mode: str, size: tuple[int, ...], most: int
) -> Iterator[tuple[bytes, float]]:
    """Yield pixels and time of each frame, in ms.

    Raises InstanceRejected: A700 if there are more than ``most``, C000 if one is broken.
    """
    from PIL import Image, ImageSequence  # noqa: PLC0415 # 40 ms that few requests need

    too_large = (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError)
    try:
        with Image.open(BytesIO(content), formats=("PNG", "GIF")) as image:
            for number, frame in enumerate(ImageSequence.Iterator(image)):
                _check(number, frame, size, most)
                yield _pixels(frame, mode), float(frame.info.get("duration", 0))
    except InstanceRejected:
        raise
    except too_large as error:
        raise _too_large() from error
    except Exception as error:  # Pillow passes on any error of its plugins.
        raise unreadable("found a PNG or GIF image that cannot be decoded") from error


def _check(number: int, frame: "Image", size: tuple[int, ...], most: int) -> None:
    if number >= most:
        raise _too_large()
    if frame.size != size:
        raise unreadable(
            "found a frame that is larger than its image, expected at most the image's size"
        )


def _pixels(frame: "Image", mode: str) -> bytes:
    """Return the samples of a frame without its transparency.

    A palette is converted to RGBA first, because otherwise Pillow warns about lost transparency.
    """
    if frame.mode == "P":
        frame = frame.convert("RGBA")
    return (frame if frame.mode == mode else frame.convert(mode)).tobytes()


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

"""Bodies of images of any size."""

from random import Random

from tests import builders


def image(number: int, size: int = 32) -> bytes:
    """Return an image with ``size`` or a little more bytes of pixel data."""
    columns = 1024 if size > 1024 else 4
    rows = -(-size // (2 * columns))
    pixels = Random(number).randbytes(rows * columns * 2)
    return builders.instance(number=number, Rows=rows, Columns=columns, PixelData=pixels)


def body_of(*contents: bytes) -> bytes:
    """Return a payload with a part for each of ``contents``."""
    return builders.multipart(*map(builders.part, contents))

"""The blocks of a GIF image (GIF89a, 15 to 27), which a decoder reads one by one.

They are counted before the image is decoded: a block may be of one byte, and an image be nothing
but comments.
"""

from collections.abc import Generator, Iterator

_SCREEN_FLAGS, _FIRST_TABLE = 10, 13
_IMAGE_FLAGS, _AFTER_DESCRIPTOR = 9, 10
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_LABEL = 2
_CODE_SIZE = 1
_HAS_TABLE, _TABLE_SIZE = 0x80, 0x07


def blocks(content: memoryview) -> Iterator[int]:
    """Yield the offset of each block and sub-block, up to the trailer or the end of ``content``.

    Bytes between blocks, which a decoder skips one by one, are blocks as well.
    """
    offset = _FIRST_TABLE + _color_table(content, _SCREEN_FLAGS)
    while offset < len(content) and content[offset] != _TRAILER:
        yield offset
        if content[offset] == _EXTENSION:
            offset = yield from _sub_blocks(content, offset + _LABEL)
        elif content[offset] == _IMAGE:
            table = _color_table(content, offset + _IMAGE_FLAGS)
            offset = yield from _sub_blocks(
                content, offset + _AFTER_DESCRIPTOR + table + _CODE_SIZE
            )
        else:
            offset += 1


def _sub_blocks(content: memoryview, offset: int) -> Generator[int, None, int]:
    """Yield the offset of each data sub-block, and return that after their terminator (15, 16)."""
    while offset < len(content) and content[offset]:
        yield offset
        offset += 1 + content[offset]
    return offset + 1


def _color_table(content: memoryview, flags: int) -> int:
    """Return the size in bytes of the table that the byte at ``flags`` announces (18, 20)."""
    if flags >= len(content) or not content[flags] & _HAS_TABLE:
        return 0
    return int(3 * 2 ** ((content[flags] & _TABLE_SIZE) + 1))

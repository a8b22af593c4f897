"""Boxes: ISO/IEC 14496-12 Section 4.2, and likewise ISO/IEC 15444-1 Annex I.

A box is its length (32 bits, or 64 if that is 1, or the rest if it is 0), a type of four bytes
and contents. Only requested boxes are entered, so nesting costs nothing.
"""

from collections.abc import Iterator

from dicomweb.codestreams.fields import bounded, field, unreadable, unsigned

_HEADER, _LARGE_HEADER = 8, 16


def boxes(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield type and contents of the boxes in ``content``.

    Zeros at the end that are too few for a box are ignored: QuickTime ends lists with them, and
    odd parts are padded. Raises InstanceRejected (C000) if a box does not fit, and for too many.
    """
    return bounded(_boxes(content))


def _boxes(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    offset = 0
    while content[offset : offset + _HEADER].tobytes().strip(b"\0"):
        kind = bytes(field(content, offset + 4, 4))
        length, header = unsigned(content, offset, 4), _HEADER
        if length == 0:
            length = len(content) - offset
        elif length == 1:
            length, header = unsigned(content, offset + _HEADER, 8), _LARGE_HEADER
        end = offset + length
        if not offset + header <= end <= len(content):
            raise unreadable(f"found a box of {length} bytes that does not fit in its place")
        yield kind, content[offset + header : end]
        offset = end


def child(content: memoryview, *path: bytes) -> memoryview:
    """Return the contents of the box at ``path``; raises InstanceRejected (C000) without it."""
    for wanted in path:
        for kind, box in boxes(content):
            if kind == wanted:
                content = box
                break
        else:
            raise unreadable(f"found no {wanted.decode()} box, expected one")
    return content

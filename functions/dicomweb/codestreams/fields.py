"""Read the fields of a codestream, and refuse what is unreadable or unsupported.

All codestreams here except RLE are big endian. Only the field itself is copied, and an incomplete
field is refused, so that callers need not check bounds.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason

MAX_SEGMENTS = 10_000
"""In a header, or boxes in a row: real files have some hundred, a million would take seconds."""

_Segment = TypeVar("_Segment")


def unreadable(found: str) -> InstanceRejected:
    """Return the refusal (C000) of bits that violate their own standard."""
    return InstanceRejected(FailureReason.CANNOT_UNDERSTAND, f"pixel data: {found}")


def unsupported(found: str) -> InstanceRejected:
    """Return the refusal (C122) of a coding for which no supported transfer syntax exists."""
    return InstanceRejected(FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED, f"pixel data: {found}")


def field(content: memoryview, offset: int, size: int) -> memoryview:
    """Return ``size`` bytes from ``offset``; raises InstanceRejected (C000) if there are fewer."""
    found = content[offset : offset + size]
    if len(found) != size:
        raise unreadable(f"found its end inside a field of {size} bytes at byte {offset}")
    return found


def unsigned(content: memoryview, offset: int, size: int) -> int:
    """Return the unsigned big-endian number of ``size`` bytes at ``offset``; raises as `field`."""
    return int.from_bytes(field(content, offset, size), "big")


def bounded(segments: Iterable[_Segment]) -> Iterator[_Segment]:
    """Yield the ``segments``; raises InstanceRejected (C000) after `MAX_SEGMENTS` of them."""
    for number, segment in enumerate(segments):
        if number >= MAX_SEGMENTS:
            raise unreadable(f"found more than {MAX_SEGMENTS} segments or boxes in a row")
        yield segment

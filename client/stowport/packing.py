"""Pack parts into requests that the server takes, in the order in which they come."""

from collections.abc import Iterable, Iterator

from stowport.bodies import ENVELOPE, PART_ENVELOPE, Part

LIMIT = 4_700_000
"""Bytes of body: what remains of the 6 MB of a Lambda invocation in base64, and of its event."""

MAX_PARTS = 100
"""A request has 29 seconds: small instances, of which more would fit, take time each."""


def weight(part: Part) -> int:
    """Return the bytes that a part adds to a body."""
    return PART_ENVELOPE + len(part.head) + part.size


def fits(part: Part, limit: int) -> bool:
    """Tell whether a request of this part alone is within ``limit`` bytes."""
    return ENVELOPE + weight(part) <= limit


def pack(parts: Iterable[Part], limit: int) -> Iterator[list[Part]]:
    """Yield the parts of each request; one that is too large for any is yielded alone."""
    packed: list[Part] = []
    room = limit - ENVELOPE
    for part in parts:
        if packed and (weight(part) > room or len(packed) == MAX_PARTS):
            yield packed
            packed, room = [], limit - ENVELOPE
        packed.append(part)
        room -= weight(part)
    if packed:
        yield packed

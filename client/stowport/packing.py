"""Pack parts into requests that the server accepts, with UIDs that identify each part."""

from collections.abc import Iterable, Iterator, Sequence

from stowport.bodies import DICOM_HEAD, ENVELOPE, PART_ENVELOPE, Part

LIMIT = 4_700_000
"""Bytes of body: what remains of the 6 MB of a Lambda invocation in base64, and of its event."""

MAX_PARTS = 100
"""More small instances would fit, but each takes time, and a request has only 29 seconds."""


def weight(part: Part) -> int:
    """Return the bytes that a part adds to a body."""
    return PART_ENVELOPE + len(part.head) + part.size


def fits(part: Part, limit: int) -> bool:
    """Tell whether a request of this part alone is within ``limit`` bytes."""
    return ENVELOPE + weight(part) <= limit


def room_of_one(limit: int) -> int:
    """Return how many bytes a Part 10 file may have that is sent alone within ``limit`` bytes."""
    return limit - ENVELOPE - PART_ENVELOPE - len(DICOM_HEAD)


def waves(parts: Sequence[Part]) -> list[list[Part]]:
    """Return ``parts`` in waves in which no SOP Instance UID is there twice.

    Parts with equal UIDs keep their order: to send the waves one after the other lets the server
    decide about them in that order.
    """
    found: list[list[Part]] = []
    next_wave: dict[str, int] = {}
    for part in parts:
        number = max((next_wave.get(uid, 0) for uid in part.sop_instance_uids), default=0)
        next_wave.update(dict.fromkeys(part.sop_instance_uids, number + 1))
        if number == len(found):
            found.append([])
        found[number].append(part)
    return found


def pack(parts: Iterable[Part], limit: int) -> Iterator[list[Part]]:
    """Yield the parts of each request; no UID may be in ``parts`` twice.

    One that is too large for any request is yielded alone. So is one whose UIDs are not known:
    an answer could name it by the UID of another.
    """
    packed: list[Part] = []
    room = limit - ENVELOPE
    for part in parts:
        if not part.sop_instance_uids:
            yield [part]
            continue
        if packed and (weight(part) > room or len(packed) == MAX_PARTS):
            yield packed
            packed, room = [], limit - ENVELOPE
        packed.append(part)
        room -= weight(part)
    if packed:
        yield packed

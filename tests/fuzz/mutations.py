"""Change an input: a few bytes of any input, or its parts where a target says how.

A mutation is a function of a source of chance, an input and other inputs; the input may be
anything, so a mutation that cannot read it changes its bytes.
"""

import random
from collections.abc import Callable, Sequence

Chance = random.Random
Mutation = Callable[[Chance, bytes, Sequence[bytes]], bytes]

CANARY = "Zq7CanaryW3"
"""A value that no refusal and no line of the log may hold."""

MAX_INPUT = 1 << 20
MAX_HEAD = 10_240
"""What API Gateway accepts of a request's line and fields (its quotas for REST APIs)."""

_SIZES = (1 << 13, 1 << 17, MAX_INPUT)

_PIECES = (
    *(b"\r\n", b"\r\n\r\n", b"\r\n--", b"--", b'"', b"\\", b";", b"=", b"\x1b$B", b"\xff" * 4),
    *(b"SQ\0\0\xff\xff\xff\xff", b"UN\0\0\xff\xff\xff\xff", b"\xfe\xff\0\xe0\xff\xff\xff\xff"),
    *(b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0", b"\xf0\xff\xff\xff", b"\0\0"),
    *(b"^", b"\xc3\xa9", b"\x1b-A", b"\x1b$)C", b"\0\0\0\1", b"\0\0\1", b"\x7f\xff\xff\xff"),
    CANARY.encode(),
)


def times(chance: Chance, size: int) -> int:
    """Return how often something of ``size`` bytes is repeated: now and then, a great deal."""
    (largest,) = chance.choices(_SIZES, (85, 12, 3))
    return max(min(chance.choice((2, 2, 3, 3, 50, 5000, MAX_INPUT)), largest // max(size, 1)), 1)


def change_bytes(chance: Chance, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change, cut, insert, repeat or splice a few bytes in one place."""
    start = chance.randrange(len(data) + 1)
    end = min(start + chance.choice((1, 1, 2, 4, 8, 64, 1024)), len(data))
    other = chance.choice(others)
    at = chance.randrange(len(other) + 1)
    new = chance.choice(
        (
            lambda: b"",
            lambda: chance.randbytes(end - start),
            lambda: chance.choice(_PIECES),
            lambda: data[start:end] * times(chance, end - start),
            lambda: other[at : at + chance.choice((4, 64, 4096))],
        )
    )()
    return data[:start] + new + data[end:]


def mutated(chance: Chance, seeds: Sequence[bytes], mutation: Mutation = change_bytes) -> bytes:
    """Return one of the seeds, changed in one to six places, and a third of them cut off."""
    data = chance.choice(seeds)
    for _ in range(chance.randint(1, 6)):
        change = mutation if chance.random() < 0.7 else change_bytes
        data = change(chance, data, seeds)[:MAX_INPUT]
    cut = mutation is change_bytes and chance.random() < 1 / 3
    return data[: chance.randrange(len(data) + 1)] if cut else data

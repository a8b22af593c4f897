"""Run a target over inputs that are seeds with a few bytes changed, cut, repeated or spliced.

A target is a function of bytes that raises if its invariant does not hold. What it was given goes
with the exception, and ``--seed`` repeats a run.
"""

import random
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from time import monotonic, process_time

Target = Callable[[bytes], None]

SLOW_SECONDS = 2.0
"""Of processor time for one input: as much as the worst of a few megabytes may take."""

_MAX_SEED = 1 << 17

_PIECES = (
    *(b"\r\n", b"\r\n\r\n", b"\r\n--", b"--", b'"', b"\\", b";", b"=", b"\x1b$B", b"\xff" * 4),
    *(b"SQ\0\0\xff\xff\xff\xff", b"UN\0\0\xff\xff\xff\xff", b"\xfe\xff\0\xe0\xff\xff\xff\xff"),
    *(b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0", b"\xf0\xff\xff\xff", b"\0\0"),
)


def _changed(chance: random.Random, data: bytearray, others: Sequence[bytes]) -> bytearray:
    start = chance.randrange(len(data) + 1)
    end = min(start + chance.choice((1, 1, 2, 4, 8, 64, 1024)), len(data))
    other = chance.choice(others)
    at = chance.randrange(len(other) + 1)
    new = chance.choice(
        (
            b"",
            chance.randbytes(end - start),
            chance.choice(_PIECES),
            bytes(data[start:end]) * chance.choice((2, 3, 50)),
            other[at : at + chance.choice((4, 64, 4096))],
        )
    )
    return data[:start] + new + data[end:]


def mutated(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return one of the seeds, changed in one to six places."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 6)):
        data = _changed(chance, data, seeds)
    return bytes(data[: chance.choice((len(data), len(data), chance.randrange(len(data) + 1)))])


def fuzz(target: Target, seeds: Sequence[bytes], *, seconds: float, seed: int) -> int:
    """Run the target for so many seconds and return over how many inputs it held."""
    chance = random.Random(seed)
    small = [one for one in seeds if len(one) <= _MAX_SEED]
    runs = 0
    end = monotonic() + seconds
    while monotonic() < end or not runs:
        data = mutated(chance, small)
        before = process_time()
        try:
            target(data)
            assert process_time() - before < SLOW_SECONDS
        except Exception as error:
            error.add_note(f"seed {seed}, run {runs}, input {data!r}")
            raise
        runs += 1
    return runs


def main(target: Target, seeds: Sequence[bytes]) -> None:
    """Run a target as a program: how many seconds, and the seed if a run is to be repeated."""
    parser = ArgumentParser(description=target.__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = parser.parse_args()
    runs = fuzz(target, seeds, seconds=arguments.seconds, seed=arguments.seed)
    print(f"{runs} inputs, seed {arguments.seed}: it held")  # noqa: T201 - a program's output

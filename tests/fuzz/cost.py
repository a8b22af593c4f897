"""What an input may cost: a second of processor time for each megabyte, and a few times its memory.

Memory is the peak of the process over what it has before, which only Linux tells: elsewhere it is
not measured. Parsers are held to what a whole request is held to, and ``work`` says how many
requests' work a target does.
"""

import gc
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import process_time

from tests.bench.processes import forget_peak, peak_bytes, resident_bytes

SECONDS_PER_MEGABYTE = 1.0
LEAST_SECONDS = 0.25
BODIES = 5
LEAST_BYTES = 50 * 10**6
MEGABYTE = 10**6

_LINUX = sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class Cost:
    """What an input of ``size`` bytes took: seconds, and bytes if they were measured."""

    size: int
    seconds: float
    memory: int | None

    def excess(self, work: int = 1) -> str:
        """Say in which respect it was too much, or nothing."""
        allowed = max(self.size / MEGABYTE * SECONDS_PER_MEGABYTE, LEAST_SECONDS) * work
        if self.seconds > allowed:
            return f"{self.seconds:.2f} s for {self.size} bytes, expected {allowed:.2f} s at most"
        most = BODIES * self.size + LEAST_BYTES
        if self.memory is not None and self.memory > most:
            return f"{self.memory} bytes for {self.size}, expected {most} at most"
        return ""


def measure(action: Callable[[bytes], object], data: bytes) -> Cost:
    """Return what ``action`` costs; its exceptions pass."""
    before, peak = _idle(), _peak()
    start = process_time()
    action(data)
    seconds = process_time() - start
    reached = _peak()
    return Cost(len(data), seconds, reached - before if reached > peak else 0 if _LINUX else None)


def measure_alone(action: Callable[[bytes], object], data: bytes) -> Cost:
    """Return the least time of three runs, and the most memory, from an idle state each time."""
    costs = []
    for _ in range(3):
        gc.collect()
        if _LINUX:
            forget_peak(os.getpid())
        costs.append(measure(action, data))
    return Cost(
        len(data),
        min(cost.seconds for cost in costs),
        max((cost.memory for cost in costs if cost.memory is not None), default=None),
    )


def _peak() -> int:
    """Return the most memory so far, in bytes."""
    return peak_bytes(os.getpid()) if _LINUX else 0


def _idle() -> int:
    """Return the memory that the process has, in bytes."""
    return resident_bytes(os.getpid()) if _LINUX else 0

"""Is it linear? Processor time of the same thing at a size and at four times the size."""

import gc
from collections.abc import Callable
from math import inf
from time import process_time

from tests.tracing import untraced

GENEROUS = 8.0
"""Four times the input may take eight times as long, linear with noise; squared takes 16."""

_NEGLIGIBLE_SECONDS = 0.02
_MEASUREMENTS = 3


def _seconds(action: Callable[[], object]) -> float:
    gc.collect()
    with untraced():
        before = process_time()
        action()
        return process_time() - before


def growth(act: Callable[[int], Callable[[], object]], size: int) -> float:
    """Return how many times longer ``act(4 * size)`` takes than ``act(size)``.

    ``act`` prepares for a size and returns what is measured; too little to measure counts as 20
    milliseconds, so that noise is no growth. The least of some measurements counts; of the larger
    size one is enough if it is little already.
    """
    action, larger = act(size), act(4 * size)
    least = min(_seconds(action) for _ in range(_MEASUREMENTS))
    small = max(least, _NEGLIGIBLE_SECONDS)
    grown = inf
    for _ in range(_MEASUREMENTS):
        grown = min(grown, _seconds(larger) / small)
        if grown < GENEROUS:
            break
    return grown

"""Is it linear? Processor time of the same thing at a size and at four times the size."""

import gc
from collections.abc import Callable
from time import process_time

GENEROUS = 8.0
"""Four times the input may take eight times as long, linear with noise; squared takes 16."""

_NEGLIGIBLE_SECONDS = 0.02


def _seconds(action: Callable[[], object]) -> float:
    taken = []
    for _ in range(3):
        gc.collect()
        before = process_time()
        action()
        taken.append(process_time() - before)
    return min(taken)


def growth(act: Callable[[int], Callable[[], object]], size: int) -> float:
    """Return how many times longer ``act(4 * size)`` takes than ``act(size)``.

    ``act`` prepares for a size and returns what is measured; too little to measure counts as 20
    milliseconds, so that noise is no growth.
    """
    small = max(_seconds(act(size)), _NEGLIGIBLE_SECONDS)
    return _seconds(act(4 * size)) / small

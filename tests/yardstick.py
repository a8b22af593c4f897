"""How fast the processor is now, for rules that are stated in seconds of it.

The same work takes half as long again where another process shares the core, and the share
changes from second to second. So what is held to a rule is compared with a known piece of work
before it and after it, in the same process.
"""

from time import process_time

_SECONDS = 0.085
"""What the work took CPython 3.11 where the rules were first measured; half of it has been seen."""


def _work() -> int:
    """Do what reading metadata is made of: text, numbers, dictionaries and small objects."""
    total = 0
    for _ in range(60):
        found = {}
        for number in range(1000):
            key = f"{number:08X}"
            found[key] = [key.lower(), int(key, 16), {"vr": "UI"}]
        total += sum(len(each) for each in found.values())
    return total


def pace() -> float:
    """Return how many times as long as then the work takes now."""
    start = process_time()
    _work()
    return (process_time() - start) / _SECONDS


def unhindered(seconds: float, before: float, after: float) -> float:
    """Return what ``seconds`` between two paces would have been then, and no more than they are."""
    return seconds / max(1.0, (before + after) / 2)

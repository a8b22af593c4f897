"""The targets by name: a target is a module with seeds, an invariant, and how inputs are changed.

``SEEDS`` are its first inputs, ``target`` raises if its invariant does not hold for an input,
``mutation`` changes inputs (any bytes of them, if there is none), and ``WORK`` says how many
requests' work one input is (1, if it does not say).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from tests.fuzz.mutations import Mutation, change_bytes

NAMES = (
    *("multipart", "mediatypes", "instances", "deflated", "jsonmodel", "nativemodel", "bulkdata"),
    *("charactersets", "images", "videos", "answers", "store", "uploads", "ingest", "tokens"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """A target, and what its module says of it; ``invariant`` in words."""

    name: str
    invariant: str
    run: Callable[[bytes], None]
    seeds: Sequence[bytes]
    mutation: Mutation
    work: int


def load(name: str) -> Target:
    """Import the module of a target."""
    module = import_module(f"tests.fuzz.fuzz_{name}")
    return Target(
        name=name,
        invariant=str(module.__doc__).partition("\n")[0],
        run=module.target,
        seeds=module.SEEDS,
        mutation=getattr(module, "mutation", change_bytes),
        work=getattr(module, "WORK", 1),
    )

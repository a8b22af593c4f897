"""All cases of a run by their names: faults, kills and races.

Each has random numbers of its own, made of the seed and its name, so that it can be run alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from tests.torture import committing, ingesting, kills, races, retrieving, storing
from tests.torture.deployment import Deployment

AnyCase = storing.Case | ingesting.Case | ingesting.Asking | committing.Case | retrieving.Case

ROUNDS = {"kills": 100, "races": 500}
"""How many there are; of kills, of each function."""

WITH_A_FAULT = ("store", "ingest", "uploads", "commitment")
"""The kinds of case that have a fault."""


@dataclass(frozen=True)
class Named:
    """A case of a ``kind``; ``run`` returns how often the fault happened, and raises Broken."""

    kind: str
    name: str
    fault: str
    cost: int
    run: Callable[[Deployment], int]


def all_cases(seed: int, *, copies: bool) -> list[Named]:
    """Return those that ``seed`` gives: of faults, then kills, then races.

    The order of faults is random, but large requests, which take longest, tend to come later: a
    run of a few minutes has more cases of small ones.
    """
    random = Random(seed)
    faults = [
        *(_of_fault("store", case, storing.run) for case in storing.cases(random)),
        *(
            _of_fault("ingest", case, ingesting.run)
            for case in ingesting.cases(random, copies=copies)
        ),
        *(_of_fault("retrieve", case, retrieving.run) for case in retrieving.cases()),
        *(_of_fault("uploads", case, ingesting.ask) for case in ingesting.askings(random)),
        *(_of_fault("commitment", case, committing.run) for case in committing.cases(random)),
    ]
    faults.sort(key=lambda case: random.random() * case.cost)
    return [
        *faults,
        *_rounds("kills", seed, (kills.kill_stores, kills.kill_ingests)),
        *_rounds("races", seed, (races.race,)),
    ]


def _of_fault(kind: str, case: AnyCase, run: Callable[..., bool]) -> Named:
    return Named(kind, f"{kind}: {case}", case.fault.name, case.instances, partial(run, case))


def _rounds(
    kind: str, seed: int, functions: Sequence[Callable[[Deployment, Random], int]]
) -> list[Named]:
    found = []
    for number in range(ROUNDS[kind]):
        for function in functions:
            name = f"{kind}: {function.__name__} {number}"
            run = partial(_with_random, function, f"{seed} {name}")
            found.append(Named(kind, name, kind, 1, run))
    return found


def _with_random(
    function: Callable[[Deployment, Random], int], seed: str, deployment: Deployment
) -> int:
    return function(deployment, Random(seed))

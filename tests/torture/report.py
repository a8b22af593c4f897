"""The figures of a run, as Markdown for docs/reliability.md."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from math import inf
from pathlib import Path

from tests.markdown import table
from tests.torture import faults
from tests.torture.cases import WITH_A_FAULT
from tests.torture.overload import AT_A_TIME, REQUESTS, SENDERS

RESULT = Path(__file__).parents[2] / "build" / "torture.json"


@dataclass
class Tally:
    """What was run of one kind; ``faults`` are the cases by fault, ``hits`` what happened."""

    of: int = 0
    run: int = 0
    hits: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


@dataclass
class Figures:
    """A run: the tallies by backend and kind, the statuses under overload, and the growth."""

    seed: int
    minutes: float
    backends: dict[str, dict[str, Tally]]
    overload: dict[str, int] = field(default_factory=dict)
    growth: dict[str, float] = field(default_factory=dict)

    @property
    def broken(self) -> list[str]:
        kinds = [kind for backend in self.backends.values() for kind in backend.values()]
        return [each for kind in kinds for each in kind.broken]


def of(figures: Figures) -> str:
    """Return the section of the page."""
    rows = [
        (backend, kind, f"{tally.run} of {tally.of}", tally.hits, len(tally.broken))
        for backend, kinds in figures.backends.items()
        for kind, tally in kinds.items()
    ]
    reached = Counter({fault.name: 0 for fault in faults.FAULTS})
    for kinds in figures.backends.values():
        for kind in WITH_A_FAULT:
            reached.update(kinds[kind].faults)
    listed = ", ".join(f"{name} {number}" for name, number in sorted(reached.items()))
    answers = ", ".join(f"{number} times {status}" for status, number in figures.overload.items())
    growth = figures.growth
    broken = "".join(f"* {each}\n" for each in figures.broken) or "None.\n"
    return f"""{_head(figures)}

{table(("AWS", "what", "cases", "hits", "broken"), rows)}
A hit is a case whose fault was reached, a function that was killed before it answered, or a request
that was delayed or sent twice in a race. Cases by fault: {listed}.

With {AT_A_TIME} requests let in at a time, {SENDERS * REQUESTS} requests of {SENDERS} senders were
answered {answers}; all were stored in the end.

While the table grew to {growth["instances"]} instances, an instance took {growth["first_ms"]} ms of
CPU at first and {growth["last_ms"]} ms in the end, and the process had {growth["first_mb"]} MB and
{growth["last_mb"]} MB; both include the proxy and the test.

Promises that were broken:

{broken}"""


def _head(figures: Figures) -> str:
    today = datetime.now(UTC).date().isoformat()
    how = f"SEED={figures.seed}"
    if figures.minutes < inf:
        how += f" MINUTES={figures.minutes:g}"
    return f"Measured on {today} with {how}, moto {version('moto')} and MiniStack."

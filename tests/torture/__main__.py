"""``make torture [SEED=] [MINUTES=] [CASE=]``: break the wire, kill functions, and race senders.

It prints the seed, and each broken promise with the case that broke it. The same SEED, with the
name of the case as CASE, runs that case again. Without MINUTES, every case is run. The figures are
written to docs/reliability.md, unless only some cases were asked for.
"""

import argparse
import json
import random
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from math import inf

from tests import conftest, reliability
from tests.torture import overload, report
from tests.torture.backends import BACKENDS
from tests.torture.cases import Named, all_cases
from tests.torture.deployment import Broken, Deployment, deployed
from tests.torture.report import Figures, Tally

__all__ = ["conftest"]  # it leaves no way to a real AWS account

SHARES = {"kills": 0.9, "races": 1.0}
"""Which part of a backend's time is over when a kind of case ends; that of faults if not named."""

SHARE_OF_FAULTS = 0.75
INSTANCES, INSTANCES_A_MINUTE = 30_000, 1_000
"""How far the table grows, as far as there is time for."""


def torture(backend: str, seed: int, minutes: float, only: str) -> Iterator[tuple[str, Tally]]:
    """Run the cases against a ``backend``; yield the tally of each kind."""
    copies = backend == "moto"  # MiniStack has no checksum of a part that was copied
    began = time.monotonic()
    tallies: dict[str, Tally] = {}
    with BACKENDS[backend]() as url, deployed(url, copies=copies) as deployment:
        for case in all_cases(seed, copies=copies):
            tally = tallies.setdefault(case.kind, Tally())
            tally.of += 1
            share = SHARES.get(case.kind, SHARE_OF_FAULTS)
            if only in case.name and time.monotonic() - began < 60 * minutes * share:
                _run(case, tally, deployment, seed)
    yield from tallies.items()


def _run(case: Named, tally: Tally, deployment: Deployment, seed: int) -> None:
    deployment.proxy.random.seed(f"{seed} {case.name}")
    tally.run += 1
    tally.faults[case.fault] = tally.faults.get(case.fault, 0) + 1
    try:
        hits = case.run(deployment)
    except Broken as broken:
        tally.broken.append(f"{case.name}: {broken}")
        sys.stderr.write(f"BROKEN  SEED={seed} CASE='{case.name}': {broken}\n")
    except Exception as error:  # noqa: BLE001 - whatever else ends a case is a finding, too
        tally.broken.append(f"{case.name}: {type(error).__name__}")
        sys.stderr.write(f"BROKEN  SEED={seed} CASE='{case.name}':\n{traceback.format_exc()}")
    else:
        tally.hits += hits


def grown(minutes: float) -> dict[str, float]:
    """Let a table grow; return the figures."""
    instances = int(min(INSTANCES, INSTANCES_A_MINUTE * minutes))
    with BACKENDS["ministack"]() as url, deployed(url, copies=False) as deployment:
        return overload.grow(deployment, instances)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--minutes", type=float, default=inf)
    parser.add_argument("--case", default="", help="run only those with this in their names")
    parser.add_argument("--backends", nargs="*", default=list(BACKENDS), choices=BACKENDS)
    chosen = parser.parse_args()
    sys.stderr.write(f"SEED={chosen.seed}\n")
    figures = Figures(seed=chosen.seed, minutes=chosen.minutes, backends={})
    for backend in chosen.backends:
        share = 0.85 * chosen.minutes / len(chosen.backends)
        found = dict(torture(backend, chosen.seed, share, chosen.case))
        figures.backends[backend] = found
        for kind, tally in found.items():
            summary = f"{tally.run} of {tally.of} cases, {len(tally.broken)} broken"
            sys.stderr.write(f"{backend} {kind}: {summary}\n")
    if not chosen.case:
        figures.overload = overload.overload()
        figures.growth = grown(chosen.minutes)
        report.RESULT.write_text(json.dumps(asdict(figures), indent=1), "utf-8")
        reliability.write("torture", report.of(figures))
    sys.exit(1 if figures.broken else 0)


if __name__ == "__main__":
    main()

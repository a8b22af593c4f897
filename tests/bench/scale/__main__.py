"""``python -m tests.bench.scale``: run the simulation, and write docs/scale.md and its plots."""

import sys
import time

from tests.bench import plots
from tests.bench.scale import report
from tests.bench.scale.scenarios import run_all
from tests.statement.pages import ROOT, with_tables

PAGE = ROOT / "docs" / "scale.md"
PLOTS = ROOT / "docs" / "plots"


def main() -> None:
    started = time.monotonic()
    runs = run_all(report.scenarios())
    PAGE.write_text(
        with_tables(PAGE.read_text("utf-8"), report.tables(runs), "make scale"), "utf-8"
    )
    for name, plot in report.plots(runs).items():
        plots.lines(PLOTS / f"{name}.svg", **plot)
    sys.stderr.write(f"scale: {len(runs)} runs, {time.monotonic() - started:.0f} s\n")


if __name__ == "__main__":
    main()

"""``python -m tests.bench --python PYTHON3.13 [--scale 1] [SECTION ...]``: measure, and write it.

Prints the figures, and writes ``build/bench.json``, where sections that are not asked for keep
theirs. A run of all sections writes docs/performance.md and its plots as well.
"""

import argparse
import json
import signal
import sys
import time
from datetime import UTC, datetime
from typing import Any

from tests.bench import (
    cost,
    environments,
    floor,
    large,
    parts,
    report,
    servers,
    starts,
    studies,
    wait,
    wait_report,
)
from tests.bench.setting import ROOT, Section, Setting, machine

SECTIONS: dict[str, Section] = {
    "servers": servers.measure,
    "wait": wait.measure,
    "parts": parts.measure,
    "floor": floor.measure_floor,
    "growth": floor.measure_growth,
    "studies": studies.measure,
    "cold_start": starts.measure,
    "memory": environments.measure_memory,
    "calls": environments.measure_calls,
    "large": large.measure,
}
RESULT = ROOT / "build" / "bench.json"
PERFORMANCE = ROOT / "docs" / "performance.md"


def main() -> None:
    # Either ends it as an exception does, so that the processes it started are ended.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="a Python 3.13, to run the function")
    parser.add_argument("--scale", type=float, default=1.0, help="of the repetitions")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    arguments = parser.parse_args()
    chosen = [name for name in SECTIONS if name in (arguments.sections or SECTIONS)]
    setting = Setting(python=arguments.python, scale=arguments.scale)
    result: dict[str, Any] = json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {}
    for name in chosen:
        started = time.monotonic()
        result[name] = SECTIONS[name](setting)
        RESULT.write_text(json.dumps(result, indent=1), "utf-8")
        sys.stderr.write(f"{name}: {time.monotonic() - started:.0f} s\n")
    if "servers" in result and "calls" in result:
        result["cost"] = cost.of_cases(result["servers"], result["calls"])
    result["machine"] = machine()
    result["when"] = datetime.now(UTC).date().isoformat()
    result["scale"] = arguments.scale
    RESULT.write_text(json.dumps(result, indent=1), "utf-8")
    text = report.of(result)
    sys.stdout.write(text)
    if chosen == list(SECTIONS):  # the page has figures of one run alone
        wait_report.draw(result["wait"])
        PERFORMANCE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()

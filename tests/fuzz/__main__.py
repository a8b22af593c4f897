"""Run the targets one after the other, each in a process of its own, and say what they found.

``python -m tests.fuzz [--minutes M] [--seed N] [--directory D] [TARGET ...]``:
M minutes for all of them together. A finding is confirmed by a run of its input alone, without
instrumentation, and stays in the directory, ``build/fuzz``. A run of all targets for ten minutes
or more writes docs/reliability.md. The status is 1 if something was found.
"""

import os
import random
import re
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from tests import reliability
from tests.fuzz.targets import NAMES, load
from tests.markdown import table

ROOT = Path(__file__).parents[2]
DIRECTORY = Path("build", "fuzz")
LEAST_MINUTES = 10.0
_EXECUTIONS = re.compile(r"(?:number_of_executed_units:|^executions) *(\d+)", re.MULTILINE)
# Memory that is not used goes back at once, so that the next input is charged for its own.
_ENVIRONMENT = {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}


@dataclass(frozen=True, slots=True)
class Result:
    """What a target did: how many inputs it ran, and what is wrong with which files."""

    target: str
    invariant: str
    executions: int
    found: Mapping[Path, str]


def _python(*arguments: str) -> tuple[str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", *arguments],
        check=False,
        capture_output=True,
        env={**os.environ, **_ENVIRONMENT},
        text=True,
        errors="backslashreplace",
    )
    return done.stdout + done.stderr, done.returncode


def run(name: str, seconds: float, seed: int, directory: Path) -> Result:
    """Run one target, and confirm what it found."""
    found = directory / "found" / name
    shutil.rmtree(found, ignore_errors=True)
    output, status = _python(name, f"{seconds:.1f}", str(seed), str(directory))
    executions = _EXECUTIONS.findall(output)
    if not executions:
        found.mkdir(parents=True, exist_ok=True)
        (found / "output.log").write_text(output, "utf-8")
    files = [path for path in sorted(found.glob("*")) if path.suffix not in (".txt", ".log")]
    wrong = _confirmed(name, files)
    if not executions and not wrong:
        wrong = {found / "output.log": f"the process ended with {status} and did not say why"}
    return Result(name, load(name).invariant, max(map(int, executions), default=0), wrong)


def _confirmed(name: str, files: Sequence[Path]) -> dict[Path, str]:
    """Return what is wrong with files that are wrong without instrumentation too."""
    wrong: dict[Path, str] = {}
    for file in files:
        output, status = _python(name, str(file))
        if status or output.strip():
            wrong[file] = output.strip().splitlines()[-1][:500] if output.strip() else f"{status}"
    return wrong


def figures(results: Sequence[Result], minutes: float, seed: int) -> str:
    """Return the figures of a run in Markdown."""
    how = "guided by coverage (atheris)" if find_spec("atheris") else "without guidance"
    total = sum(result.executions for result in results)
    found = sum(len(result.found) for result in results)
    rows = [
        (f"`{each.target}`", each.invariant, f"{each.executions:,}", len(each.found))
        for each in results
    ]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {len(results)} targets, {total:,} inputs in"
        f" {minutes:g} minutes, {how}, seed {seed}; {found} findings.\n\n"
        + table(("target", "what holds for any input", "inputs", "findings"), rows)
    )


def main() -> int:
    """Run what the command line asks for."""
    parser = ArgumentParser(description=__doc__)
    # argparse checks the empty list too, if no target is named.
    parser.add_argument("targets", nargs="*", choices=[*NAMES, []])
    parser.add_argument("--minutes", type=float, default=LEAST_MINUTES)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--directory", type=Path, default=DIRECTORY)
    arguments = parser.parse_args()
    names = arguments.targets or NAMES
    results: list[Result] = []
    for name in names:
        result = run(name, arguments.minutes * 60 / len(names), arguments.seed, arguments.directory)
        _say(f"{name:14}{result.executions:>10,} inputs, {len(result.found)} findings")
        for file, text in result.found.items():
            _say(f"  {file}: {text}")
        results.append(result)
    made = figures(results, arguments.minutes, arguments.seed)
    if names == NAMES and arguments.minutes >= LEAST_MINUTES:
        reliability.write("fuzz", made)
    _say(made.partition("\n")[0])
    return int(any(result.found for result in results))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Run one target in this process: ``python -m tests.fuzz.run TARGET SECONDS SEED DIRECTORY``.

With atheris new inputs come from those that reached new code; without it, they come from seeds
alone. What is found is in the directory ``found``, and the last line printed is how many inputs
were run. ``python -m tests.fuzz.run TARGET FILE ...`` runs files instead, and prints what is wrong
with each.
"""

import random
import sys
import warnings
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Any

from tests.fuzz.findings import Findings, confirm
from tests.fuzz.mutations import MAX_INPUT, mutated
from tests.fuzz.targets import Target, load

_INSTRUMENTED = ["dicomweb", "stowport", "store", "transaction", "uploads", "ingest", "authorizer"]
_SECONDS_FOR_ONE = 60
_MEMORY_MEGABYTES = 4096


def _load(name: str, atheris: Any) -> Target:  # noqa: ANN401 - atheris has no types
    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=_INSTRUMENTED) if atheris else nullcontext():
        return load(name)


def run(name: str, seconds: float, seed: int, directory: Path) -> None:
    """Run a target for so many seconds."""
    atheris = __import__("atheris") if find_spec("atheris") else None
    target = _load(name, atheris)
    findings = Findings(target, directory / "found" / name)
    for each in target.seeds:
        findings.run(each)
    if atheris:
        _guided(atheris, findings, seconds, seed, directory / "corpus" / name)
    chance, end = random.Random(seed), monotonic() + seconds
    while monotonic() < end:
        findings.run(mutated(chance, target.seeds, target.mutation))
    sys.stdout.write(f"executions {findings.executions}\n")


def _guided(
    atheris: Any,  # noqa: ANN401 - it has no types
    findings: Findings,
    seconds: float,
    seed: int,
    corpus: Path,
) -> None:
    """Run under libFuzzer, which ends the process and says how many inputs it ran."""
    target = findings.target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(each)

    def mutate(data: bytes, max_size: int, number: int) -> bytes:
        chance = random.Random(number)
        if chance.random() < 0.4:
            changed: bytes = atheris.Mutate(data, max_size)
            return changed
        return mutated(chance, [data], target.mutation)[:max_size]

    options = {
        "max_total_time": int(seconds),
        "seed": seed % (1 << 32),
        "max_len": MAX_INPUT,
        "len_control": 0,
        "timeout": _SECONDS_FOR_ONE,
        "rss_limit_mb": _MEMORY_MEGABYTES,
        "print_final_stats": 1,
        "artifact_prefix": f"{findings.directory}/",
    }
    settings = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup([sys.argv[0], *settings, str(corpus)], findings.run, custom_mutator=mutate)
    atheris.Fuzz()


def replay(name: str, files: list[str]) -> None:
    """Print for each file, by the line, what is wrong with it, or nothing."""
    target = _load(name, None)
    for each in target.seeds[:3]:
        confirm(target, each)
    for file in files:
        sys.stdout.write(f"{confirm(target, Path(file).read_bytes())}\n")


if __name__ == "__main__":
    if len(sys.argv) == 5 and sys.argv[2].replace(".", "", 1).isdigit():
        run(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
    else:
        replay(sys.argv[1], sys.argv[2:])

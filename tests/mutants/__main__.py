"""``python -m tests.mutants [--sample 0.2] [MODULE ...]``: what survives of a changed module?

A module is a path below functions/ (``dicomweb/checks``); a room is all of its modules. What is
found is kept in build/mutants, so that the next run goes on where this one ended, and the figures
are written into tests/mutants/figures.tsv and docs/reliability.md.

Ends with 1 if less than 95 % are killed, or if the list of equivalent mutants is wrong.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from tests.mutants import covering, figures, results, trials

_SECONDS_EACH = 4
_LIKELY = 10


def chosen(names: Sequence[str]) -> list[str]:
    """Return the modules that ``names`` stand for, in their order, or all of them.

    Raises SystemExit for a name that is none.
    """
    every = figures.modules()
    found: dict[str, None] = {}
    for name in names or figures.ROOMS:
        of_name = [each for each in every if each == name or each.startswith(f"{name}/")]
        if not of_name:
            raise SystemExit(f"there is no module or room {name} below functions/")
        found |= dict.fromkeys(of_name)
    return list(found)


def run(name: str, sample: float) -> results.Module:
    """Try the mutants of a module that are not known from an earlier run."""
    module = results.Module(name, results.mutants_of(name, sample))
    cache = results.Cache(name)
    pending = [key for key in module.mutants if not cache.knows(key)]
    if pending:
        coverage = covering.measure(covering.paths_of(name))
        trials.import_others(coverage.others)
        _require_that_they_pass(name, coverage)
    kills = Counter(filter(None, map(cache.hint, module.mutants)))
    for number, key in enumerate(pending, 1):
        likely = [cache.hint(key) or "", *(test for test, _ in kills.most_common(_LIKELY))]
        killed_by = results.try_mutant(module.mutants[key], coverage, likely)
        cache.note(key, killed_by)
        kills[killed_by or ""] += 1
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{name}: {number} of {len(pending)} ")
    module.killers = {key: cache.hint(key) for key in module.mutants}
    return module


def _require_that_they_pass(name: str, coverage: covering.Coverage) -> None:
    some = coverage.of_module(next(iter(results.mutants_of(name, 1).values())))[:20]
    limits = coverage.limits(some)
    if found := trials.killer(name, results.source_of(name), some, limits):
        raise SystemExit(f"{name}: the tests fail without a mutant: {found}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=float, default=1.0, help="share of the mutants to try")
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    arguments = parser.parse_args()
    names = chosen([name.removesuffix(".py").strip("/") for name in arguments.modules])
    covering.BUILD.mkdir(parents=True, exist_ok=True)
    pending = sum(
        not cache.knows(key)
        for name in names
        for cache in [results.Cache(name)]
        for key in results.mutants_of(name, arguments.sample)
    )
    sys.stderr.write(
        f"{len(names)} modules with {pending} mutants that are not known yet: about"
        f" {pending * _SECONDS_EACH / 60:.0f} minutes of one core. It can be ended and run again.\n"
    )
    listed = results.equivalents()
    found: list[figures.Figures] = []
    wrong: list[str] = []
    for name in names:
        module = run(name, arguments.sample)
        equivalent = module.equivalent(listed)
        total = len(results.mutants_of(name, 1))
        found.append(figures.of(module, total, len(equivalent)))
        figures.keep(found[-1])
        if arguments.sample >= 1:
            wrong += module.wrongly(listed)
        survivors = [key for key in module.survivors() if key not in equivalent]
        _tell(found[-1], [str(module.mutants[key]) for key in survivors])
    figures.write()
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    reached = figures.per_cent(found)
    sys.stdout.write(f"killed: {reached:.1f} %, expected at least {figures.TARGET} %\n")
    sys.exit(bool(wrong) or reached < figures.TARGET)


def _tell(found: figures.Figures, survivors: list[str]) -> None:
    sys.stdout.write(
        f"{found.module}: {found.killed} of {found.tried} killed, {found.equivalent} equivalent,"
        f" {len(survivors)} survived\n"
    )
    sys.stdout.writelines(f"  {survivor}\n" for survivor in survivors)
    sys.stdout.flush()


if __name__ == "__main__":
    main()

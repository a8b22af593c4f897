"""The last figures of each module: kept in figures.tsv, and written into docs/reliability.md."""

import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from tests import reliability
from tests.markdown import table
from tests.mutants.results import Module, hash_of
from tests.mutants.trials import FUNCTIONS, ROOT

FILE = Path(__file__).parent / "figures.tsv"
ROOMS = ("archive", "dicomweb")
TARGET = 95


@dataclass(frozen=True)
class Figures:
    """What a run found; ``source`` is the hash of the module that it tried."""

    module: str
    mutants: int
    tried: int
    killed: int
    equivalent: int
    date: str
    source: str

    @property
    def survived(self) -> int:
        return self.tried - self.killed - self.equivalent


def modules() -> list[str]:
    """Return the modules that `make mutants` changes, as paths below functions/."""
    return sorted(
        str(path.relative_to(FUNCTIONS).with_suffix(""))
        for room in ROOMS
        for path in (FUNCTIONS / room).rglob("*.py")
    )


def of(module: Module, mutants: int, equivalent: int) -> Figures:
    """Return the figures of a module that was tried now."""
    tried, survived = len(module.killers), len(module.survivors())
    return Figures(
        module.name, mutants, tried, tried - survived, equivalent, _date(), hash_of(module.name)
    )


def _date() -> str:
    command = ("git", "log", "-1", "--format=%cs")
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout[:10]


def read(file: Path = FILE) -> dict[str, Figures]:
    """Return the figures that were kept."""
    if not file.exists():
        return {}
    kept = {}
    for line in file.read_text("utf-8").splitlines()[1:]:
        module, *counts, date, source = line.split("\t")
        mutants, tried, killed, equivalent = map(int, counts)
        kept[module] = Figures(module, mutants, tried, killed, equivalent, date, source)
    return kept


def keep(new: Figures, file: Path = FILE) -> None:
    """Keep ``new`` in place of what was kept of its module; drop modules that are gone.

    A sample does not replace a whole run of the same source.
    """
    kept = {name: figures for name, figures in read(file).items() if name in modules()}
    old = kept.get(new.module)
    if not old or old.source != new.source or old.tried <= new.tried:
        kept[new.module] = new
    head = "\t".join(each.name for each in fields(Figures))
    lines = ("\t".join(map(str, astuple(kept[name]))) for name in sorted(kept))
    file.write_text("\n".join([head, *lines, ""]), "utf-8")


def per_cent(figures: Iterable[Figures]) -> float:
    """Return how many of those that are not equivalent were killed."""
    killed = mortal = 0
    for each in figures:
        killed += each.killed
        mortal += each.tried - each.equivalent
    return 100 * killed / mortal if mortal else 100


def section() -> str:
    """Return the section of docs/reliability.md."""
    kept = read()
    rows = table(
        (
            "module",
            "mutants",
            "tried",
            "killed",
            "equivalent",
            "survived",
            "killed, %",
            "commit of",
        ),
        [_row(each) for each in kept.values() if each.mutants]
        + [_total([each for each in kept.values() if each.tried == each.mutants])],
    )
    missing = [name for name in modules() if name not in kept]
    changed = [each.module for each in kept.values() if each.source != hash_of(each.module)]
    return "\n".join(
        [
            rows,
            f"Not tried: {_list(missing)}.",
            "",
            f"Changed since, when this page was written: {_list(changed)}.",
        ]
    )


def _row(figures: Figures) -> tuple[object, ...]:
    one = f"{per_cent([figures]):.0f}"
    return (
        *(figures.module, figures.mutants, figures.tried, figures.killed, figures.equivalent),
        *(figures.survived, one, figures.date),
    )


def _total(whole: list[Figures]) -> tuple[object, ...]:
    counts = [
        sum(getattr(each, name) for each in whole)
        for name in ("mutants", "tried", "killed", "equivalent", "survived")
    ]
    return ("all that were tried whole", *counts, f"{per_cent(whole):.1f}", "")


def _list(names: list[str]) -> str:
    """Return ``names`` for a text, those of a whole room as one."""
    every = Counter(name.rpartition("/")[0] for name in modules())
    here = Counter(name.rpartition("/")[0] for name in names)
    whole = {room for room in here if here[room] == every[room]}
    shown = dict.fromkeys(
        f"all of {room}" if (room := name.rpartition("/")[0]) in whole else name for name in names
    )
    return ", ".join(f"`{name}`" for name in shown).replace("`all of ", "all of `") or "nothing"


def write() -> None:
    """Write the page."""
    reliability.write("mutants", section())

"""What is known of the mutants of a module, from this run and from earlier ones."""

import ast
import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

from tests.mutants import mutations
from tests.mutants.covering import BUILD, Coverage, digest, paths_of
from tests.mutants.mutations import Mutant
from tests.mutants.trials import FUNCTIONS, ROOT, killer

EQUIVALENT = Path(__file__).parent / "equivalent.tsv"


def source_of(module: str) -> str:
    return (FUNCTIONS / f"{module}.py").read_text("utf-8")


def hash_of(module: str) -> str:
    """Return what changes when the module does."""
    return sha256(source_of(module).encode()).hexdigest()[:12]


def equivalents(file: Path = EQUIVALENT) -> dict[str, str]:
    """Return the mutants that change nothing that can be observed, with the reason.

    Raises ValueError for a line that is not five columns: module, function, before, after, reason.
    """
    found = {}
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if line and not line.startswith("#"):
            columns = line.split("\t")
            if len(columns) != 5 or not all((columns[0], columns[1], columns[2], columns[4])):
                raise ValueError(f"{file.name}, line {number}: expected five columns")
            found["\t".join(columns[:4])] = columns[4]
    return found


@dataclass
class Module:
    """The mutants of a module that were tried: each with what killed it, or None."""

    name: str
    mutants: dict[str, Mutant]
    killers: dict[str, str | None] = field(default_factory=dict)

    def equivalent(self, listed: Mapping[str, str]) -> list[str]:
        """Return the survivors that are listed."""
        return [key for key in self.survivors() if key in listed]

    def survivors(self) -> list[str]:
        """Return the mutants that no test noticed."""
        return [key for key, killed_by in self.killers.items() if killed_by is None]

    def wrongly(self, listed: Mapping[str, str]) -> Iterator[str]:
        """Yield what is listed as equivalent, but was killed or is no mutant any more."""
        for key in listed:
            if key.partition("\t")[0] == self.name:
                if key not in self.mutants:
                    yield f"listed as equivalent, but there is no such mutant: {key}"
                elif self.killers.get(key):
                    yield f"listed as equivalent, but killed by {self.killers[key]}: {key}"


def mutants_of(module: str, sample: float) -> dict[str, Mutant]:
    """Return the mutants of ``module`` by key, or a sample that is the same each time."""
    return {key: each for key, each in _every(module).items() if _share(key) < sample}


@cache
def _every(module: str) -> dict[str, Mutant]:
    """Return all mutants of ``module``; making them takes a second for twenty."""
    text = Path(mutations.__file__).read_text("utf-8") + source_of(module)
    kept = BUILD / f"mutants-{sha256(text.encode()).hexdigest()[:16]}.pickle"
    if not kept.exists():
        found = list(mutations.of_module(module, source_of(module)))
        kept.write_bytes(pickle.dumps({mutant.key: mutant for mutant in found}))
    every: dict[str, Mutant] = pickle.loads(kept.read_bytes())
    return every


def _share(key: str) -> float:
    return int.from_bytes(sha256(key.encode()).digest()[:4]) / (1 << 32)


class Cache:
    """The results of earlier runs of one module, as long as the module has not changed.

    A mutant stays killed while the test that killed it is unchanged, and alive while all tests of
    the module are.
    """

    def __init__(self, module: str) -> None:
        self.file = BUILD / "results" / f"{module.replace('/', '.')}-{hash_of(module)}.json"
        self.tests = digest(paths_of(module))
        self.known: dict[str, list[str | None]] = (
            json.loads(self.file.read_text("utf-8")) if self.file.exists() else {}
        )

    def knows(self, key: str) -> bool:
        killed_by, state = self.known.get(key, (None, None))
        return state == self._state(killed_by)

    def hint(self, key: str) -> str | None:
        """Return what killed the mutant, even if that has changed."""
        return self.known.get(key, (None, None))[0]

    def note(self, key: str, killed_by: str | None) -> None:
        self.known[key] = [killed_by, self._state(killed_by)]
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(self.known, indent=1), "utf-8")

    def _state(self, killed_by: str | None) -> str:
        file, _, test = (killed_by or "").partition("::")
        path = ROOT / file
        return state_of(path.read_text("utf-8"), test) if path.is_file() else self.tests


def state_of(text: str, test: str) -> str:
    """Return what changes when ``test``, a function of the file ``text``, does."""
    name = test.partition("[")[0].rpartition("::")[2]
    found = [ast.dump(node) for node in _functions(text) if node.name == name]
    return sha256("".join(found).encode()).hexdigest()[:16] if found else "gone"


@cache
def _functions(text: str) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]


def try_mutant(mutant: Mutant, coverage: Coverage, likely: Sequence[str]) -> str | None:
    """Return what kills ``mutant``, or None; tests that are ``likely`` to are asked first.

    If the tests of its lines pass, those of the whole module are asked: what is cached in one test
    is not run in the next, and coverage credits only the first. What is run while the module is
    imported may be noticed anywhere.
    """
    tried: set[str] = set()
    stages = [coverage.of(mutant), coverage.of_module(mutant)]
    for tests in stages if mutant.lines else [*stages, coverage.tests]:
        if set(tests) - tried:
            likely_here = [test for test in likely if test in tests]
            ordered = list(dict.fromkeys([*likely_here, *tests]))
            tried |= set(tests)
            killed_by = killer(mutant.module, mutant.source, ordered, coverage.limits(ordered))
            if killed_by:
                return killed_by
    return None

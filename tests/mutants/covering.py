"""Which tests run which lines, and how long each takes: measured once, without mutants."""

import hashlib
import inspect
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.mutants.mutations import Mutant
from tests.mutants.trials import FUNCTIONS, OPTIONS, ROOT, Limits, in_fork

BUILD = ROOT / "build" / "mutants"
_HOURS = Limits(processor_seconds=3600, seconds=7200)
_PLUGINS = ("pytest", "_pytest", "xdist", "_hypothesis", "coverage", "cosmic_ray")


def paths_of(module: str) -> tuple[str, ...]:
    """Return where the tests of ``module`` are: those of its room, and of the rooms above.

    A module's own tests have to find its mutants, so those of the functions are not asked.
    """
    match module.split("/"):
        case "archive", _:
            return ("tests/archive",)
        case "dicomweb", "retrieval", _:
            return ("tests/retrieve",)
        case "dicomweb", room, _:
            return (f"tests/dicomweb/{room}", *_files("tests/dicomweb"))
        case _:
            return _files("tests/dicomweb")


def _files(folder: str) -> tuple[str, ...]:
    return tuple(sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(f"{folder}/test_*.py")))


def digest(paths: Sequence[str]) -> str:
    """Return a hash of the Python files of ``paths``."""
    files = sorted(
        file
        for path in paths
        for file in ([ROOT / path] if path.endswith(".py") else (ROOT / path).rglob("*.py"))
    )
    whole = b"".join(file.read_bytes() for file in files)
    return hashlib.sha256(whole).hexdigest()[:16]


@dataclass(frozen=True)
class Coverage:
    """``lines[module][line]`` has the numbers in ``tests`` of the tests that run the line."""

    tests: list[str]
    seconds: list[float]
    lines: dict[str, dict[str, list[int]]]
    others: list[str]

    def of(self, mutant: Mutant) -> list[str]:
        """Return the tests that may notice ``mutant``: the quick ones of its own file first."""
        lines = self.lines.get(mutant.module, {})
        found = {test for line in mutant.lines for test in lines.get(str(line), ())}
        return self._in_order(found, mutant) if found else self.of_module(mutant)

    def of_module(self, mutant: Mutant) -> list[str]:
        """Return the tests that run any line of the mutant's module, and those of its own file.

        What only a dataclass generates has no line that a test runs. All tests are returned if
        there are no others.
        """
        lines = self.lines.get(mutant.module, {}).values()
        found = {test for tests in lines for test in tests}
        found |= {number for number, test in enumerate(self.tests) if _own(mutant) in test}
        return self._in_order(found or set(range(len(self.tests))), mutant)

    def _in_order(self, found: set[int], mutant: Mutant) -> list[str]:
        def rank(test: int) -> float:
            return self.seconds[test] + (_own(mutant) not in self.tests[test])

        return [self.tests[test] for test in sorted(found, key=rank)]

    def limits(self, tests: Sequence[str]) -> Limits:
        """Return how long ``tests`` may take with a mutant."""
        numbers = {test: number for number, test in enumerate(self.tests)}
        expected = sum(self.seconds[numbers[test]] for test in tests if test in numbers)
        return Limits(processor_seconds=20 + 4 * expected, seconds=120 + 20 * expected)


def _own(mutant: Mutant) -> str:
    return f"/test_{Path(mutant.module).name}.py"


class _Contexts:
    """Tells coverage which test runs, and notes how long it takes."""

    def __init__(self, switch_to: Callable[[str], object]) -> None:
        self.switch_to = switch_to
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what measures time: it may fail without a mutant while other things run."""
        items[:] = [item for item in items if "growth" not in _names(item)]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.switch_to(item.nodeid)
        before, began = time.process_time(), time.monotonic()
        result = yield
        waited = (time.monotonic() - began) / 10
        self.seconds[item.nodeid] = round(max(time.process_time() - before, waited), 3)
        self.switch_to("")
        return result


def _names(item: pytest.Item) -> tuple[str, ...]:
    """Return the names that a test uses."""
    code = getattr(inspect.unwrap(getattr(item, "function", None) or _names), "__code__", None)
    return code.co_names if code else ()


def _measure(paths: Sequence[str]) -> dict[str, object]:
    import coverage  # noqa: PLC0415 - this process must not have imported it

    os.environ["COVERAGE_CORE"] = "ctrace"
    measured = coverage.Coverage(data_file=None, config_file=False, source=[str(FUNCTIONS)])
    contexts = _Contexts(measured.switch_context)
    measured.start()
    code = pytest.main([*OPTIONS, "-m", "not process", *paths], plugins=[contexts])
    measured.stop()
    if code is not pytest.ExitCode.OK:
        return {"failed": contexts.failed or [f"pytest ended with {code}"]}
    data = measured.get_data()
    numbers = {name: number for number, name in enumerate(contexts.seconds)}
    return {
        "tests": list(contexts.seconds),
        "seconds": list(contexts.seconds.values()),
        "lines": {
            str(Path(file).relative_to(FUNCTIONS).with_suffix("")): {
                str(line): sorted(numbers[test] for test in tests if test)
                for line, tests in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        },
        "others": [
            name
            for name, module in sys.modules.items()
            if "site-packages" in (getattr(module, "__file__", None) or "")
            and not name.startswith(_PLUGINS)
        ],
    }


def measure(paths: Sequence[str]) -> Coverage:
    """Return what the tests of ``paths`` cover, from an earlier run if nothing has changed."""
    name = digest(["functions/archive", "functions/dicomweb", *paths])
    kept = BUILD / f"coverage-{name}.json"
    if not kept.exists():
        sys.stderr.write(f"Which tests cover which lines? Running {' '.join(paths)} ...\n")
        found = in_fork(lambda: _measure(paths), _HOURS)
        if "failed" in found:
            raise SystemExit(f"without a mutant, these fail: {' '.join(found['failed'])}")
        kept.write_text(json.dumps(found), "utf-8")
    return Coverage(**json.loads(kept.read_text("utf-8")))

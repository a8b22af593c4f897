"""Runs tests in a fork of this process, which has imported other people's code and none of ours.

So a trial costs no more than importing our own code and running the tests, and nothing that a
mutant breaks outlives it.
"""

import contextlib
import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import Any, Never

import pytest

ROOT = Path(__file__).parent.parent.parent
FUNCTIONS = ROOT / "functions"
_LIMIT_OF_MEMORY = 4 << 30
OPTIONS = ("-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist")

Killer = str | None
"""The test that failed, or how the trial ended else; None if all tests passed."""


@dataclass(frozen=True)
class Limits:
    """How long a trial may take: processor time, and time on the clock if it only waits."""

    processor_seconds: float
    seconds: float


def in_fork(act: Callable[[], object], limits: Limits) -> Any:  # noqa: ANN401 - what act returns
    """Return what ``act`` returns in a fork of this process, as JSON gives it.

    Raises TimeoutError if it takes longer than ``limits``, and ChildProcessError if it ends
    without an answer.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _act_as_child(act, writing, limits)
    os.close(writing)
    ends = time.monotonic() + limits.seconds
    answer = b""
    try:
        while True:
            if not select.select([reading], [], [], max(0, ends - time.monotonic()))[0]:
                raise TimeoutError
            if not (data := os.read(reading, 1 << 20)):
                break
            answer += data
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        raise TimeoutError
    if not answer:
        raise ChildProcessError(f"ended with status {status}")
    return json.loads(answer)


def _act_as_child(act: Callable[[], object], writing: int, limits: Limits) -> Never:
    try:
        os.setpgid(0, 0)
        seconds = int(limits.processor_seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        resource.setrlimit(resource.RLIMIT_AS, (_LIMIT_OF_MEMORY, _LIMIT_OF_MEMORY))
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        if not os.environ.get("MUTANTS_DEBUG"):
            os.dup2(silent, 2)
        answer = json.dumps(act()).encode()
        with open(writing, "wb") as pipe:
            pipe.write(answer)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - the child ends here, whatever it is
        traceback.print_exc()
    finally:
        os._exit(1)


class _Chosen:
    """Keeps the tests that were asked for, in the order in which they were, and notes a failure."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.order = {name: number for number, name in enumerate(tests)}
        self.failed: Killer = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self.order),
            key=lambda item: self.order[item.nodeid],
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed = self.failed or f"import of {report.nodeid}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid


def killer(module: str, source: str, tests: Sequence[str], limits: Limits) -> Killer:
    """Return the first of ``tests`` that fails if ``source`` is what ``module`` consists of."""

    def run() -> Killer:
        replace(module, source)
        chosen = _Chosen(tests)
        files = dict.fromkeys(name.partition("::")[0] for name in tests)
        code = pytest.main([*OPTIONS, "-x", *files], plugins=[chosen])
        return chosen.failed or (f"pytest ended with {code}" if code else None)

    try:
        result: Killer = in_fork(run, limits)
    except TimeoutError:
        return "timeout"
    except ChildProcessError:
        return "crash"
    return result


class _Mutated(SourceFileLoader):
    """Loads a module from a text instead of its file."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self.source = source

    def get_code(self, fullname: str) -> CodeType | None:
        return self.source_to_code(self.source.encode(), self.get_filename(fullname))


class _Finder:
    def __init__(self, spec: ModuleSpec) -> None:
        self.spec = spec

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        return self.spec if name == self.spec.name else None


def replace(module: str, source: str) -> None:
    """Let the first import of ``module``, a path below functions/, find ``source``."""
    path = FUNCTIONS / f"{module}.py"
    name = module.removesuffix("/__init__").replace("/", ".")
    spec = spec_from_file_location(name, path, loader=_Mutated(name, str(path), source))
    assert spec is not None
    sys.meta_path.insert(0, _Finder(spec))


def import_others(names: Sequence[str]) -> None:
    """Import ``names`` in this process, so that each trial has them already."""
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # else each trial searches all of them for garbage

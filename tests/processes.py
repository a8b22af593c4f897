"""Which tests start processes, and what a run left out.

A test that starts a server, a build, a runtime or another program has the mark ``process``, of
its own or because it asks for a fixture that starts one; any other that starts one, with
``subprocess``, ``multiprocessing`` or ``os``, fails. Those with the mark go first, a file of them
to one worker, because they take longest, and all that use a service of ``tests.service`` to one;
the rest goes wherever a worker is free.
"""

import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from functools import wraps
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

LEFT_OUT = pytest.StashKey[Counter[str]]()
_STARTING = {"service", "relay"}
_TESTS: list[str] = []
"""The test that runs, if it may start no process."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = Counter()
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        # Coverage measures what runs the tests, and not what they start: a server would take
        # twice the time, and its lines are covered by the tests of its parts.
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _STARTING & set(getattr(item, "fixturenames", ())):
            item.add_marker("process")
        if starts_processes(item):
            item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: not starts_processes(item))


def starts_processes(item: pytest.Item) -> bool:
    return item.get_closest_marker("process") is not None


def _group(item: pytest.Item) -> str:
    """Return what one worker runs: a file, or all that use a service, so that each starts once."""
    return "service" if "service" in getattr(item, "fixturenames", ()) else _file(item)


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _refusing(start: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``start``, but let it fail in a test that is not marked for starting a process."""

    @wraps(start)
    def checked(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - those of any function
        if _TESTS:
            raise AssertionError(f"{_TESTS[-1]} starts a process, so it needs the mark: process")
        return start(*arguments, **named)

    return checked


# No audit hook: Python calls it while it installs coverage's trace function, and a thread that
# starts meanwhile then fails.
for owner, name in (
    (subprocess.Popen, "__init__"),
    (BaseProcess, "start"),
    (os, "fork"),
    (os, "forkpty"),
    (os, "posix_spawn"),
    (os, "posix_spawnp"),
    (os, "system"),
):
    setattr(owner, name, _refusing(getattr(owner, name)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _TESTS.extend([] if starts_processes(item) else [item.nodeid])
    result = yield
    _TESTS.clear()
    return result


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        item.config.stash[LEFT_OUT][_file(item)] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a worker say what it left out to the one process that writes the summary."""
    left_out = session.config.stash[LEFT_OUT]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = dict(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401 - xdist has no types
    # Each worker collects all, so that all say the same.
    for file, count in getattr(node, "workeroutput", {}).get("left_out", {}).items():
        node.config.stash[LEFT_OUT][file] = count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    left_out = terminalreporter.config.stash[LEFT_OUT]
    skipped = len(terminalreporter.stats.get("skipped", ()))
    terminalreporter.section("left out")
    for file, count in sorted(left_out.items()):
        terminalreporter.line(f"{file}: {count}")
    if skipped:
        terminalreporter.line(f"skipped, for the reasons above: {skipped}")
    terminalreporter.line(f"Left out: {left_out.total() + skipped or 'nothing'}")

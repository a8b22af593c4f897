"""What coverage traces: the rooms of ``functions/``, and only while their own tests run them.

The tracer takes as long as what it traces, and it traces all that runs: pytest, hypothesis, moto
and the clients too. So it is off until a test of a room is called or one of its fixtures is set
up, and hypothesis does not trace how it makes an example. Each line has to be covered by a quick
test of its room: what starts processes, tests several rooms together or is marked ``untraced``
covers nothing.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

_FUNCTIONS = Path(__file__).parent.parent / "functions"
_ROOMS = {path.name for path in _FUNCTIONS.iterdir() if path.is_dir()}


class _Tracer:
    """Coverage's tracer, which is on or off; nothing changes if nobody measures."""

    def __init__(self) -> None:
        self.of_this_thread, self.of_threads = sys.gettrace(), threading.gettrace()
        self.wanted = False
        """Whether the test that runs is one that is traced."""

    def stop(self) -> None:
        if self.of_this_thread:
            threading.settrace(None)
            sys.settrace(None)

    def start(self) -> None:
        if self.of_this_thread:
            threading.settrace(self.of_threads)
            sys.settrace(self.of_this_thread)

    @contextmanager
    def tracing(self) -> Iterator[None]:
        """Trace, unless it is traced already or the test that runs is not to be."""
        if not self.wanted or sys.gettrace():
            yield
            return
        self.start()
        try:
            yield
        finally:
            self.stop()


_TRACER = _Tracer()


@contextmanager
def untraced() -> Iterator[None]:
    """Do something in this thread without the tracer: it takes longer than what it traces."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)
        _call()


def _call() -> None:
    """Be called: coverage's tracer returns to its place, and to its depth, with the next call."""


def pytest_configure(config: pytest.Config) -> None:
    global _TRACER  # noqa: PLW0603 - coverage may start after this module is imported
    _TRACER = _Tracer()
    runs_tests = hasattr(config, "workerinput") or not config.getoption("numprocesses", None)
    if _TRACER.of_this_thread and runs_tests:
        # What is imported later is not traced, so it is imported now.
        for path in sorted(_FUNCTIONS.rglob("*.py")):
            parts = path.relative_to(_FUNCTIONS).with_suffix("").parts
            import_module(".".join(parts).removesuffix(".__init__"))
    _TRACER.stop()


def pytest_unconfigure() -> None:
    _TRACER.start()


def _is_traced(item: pytest.Item) -> bool:
    """Tell whether ``item`` is a test of a room that need not be fast without a tracer."""
    folder = Path(item.nodeid.partition("::")[0]).parts[1:2]
    marked = item.get_closest_marker("process") or item.get_closest_marker("untraced")
    return _ROOMS.issuperset(folder) and not marked


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _TRACER.wanted = _is_traced(item)
    result = yield
    _TRACER.wanted = False
    return result


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup() -> Iterator[None]:
    with _TRACER.tracing():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    given = getattr(pyfuncitem.obj, "hypothesis", None)
    if given is None:
        with _TRACER.tracing():
            return (yield)
    # https://hypothesis.readthedocs.io/en/latest/extending.html: plugins may replace the test.
    if not hasattr(given.inner_test, "is_traced"):
        given.inner_test = _traced(given.inner_test)
    return (yield)


def _traced(test: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(test)
    def traced(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - those of any test
        with _TRACER.tracing():
            return test(*arguments, **named)

    traced.is_traced = True  # type: ignore[attr-defined] # a mark
    return traced

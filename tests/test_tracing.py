"""Coverage's tracer is on while a test of a room runs, and off for all else."""

import sys
from collections.abc import Iterator
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import tracing


class Tracer:
    """Stands in for coverage's: notes the names of what is called while it is on."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def __call__(self, frame: FrameType, _event: str, _argument: object) -> None:
        self.called.append(frame.f_code.co_name)


@pytest.fixture
def tracer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracer]:
    of_this_test, tracer = sys.gettrace(), Tracer()
    sys.settrace(tracer)
    stopped = tracing._Tracer()
    sys.settrace(None)
    monkeypatch.setattr(tracing, "_TRACER", stopped)
    yield tracer
    sys.settrace(of_this_test)


def one() -> None: ...


def other() -> None: ...


def test_what_is_untraced_is_not_traced_and_what_follows_is(tracer: Tracer) -> None:
    sys.settrace(tracer)
    with tracing.untraced():
        one()
    other()
    sys.settrace(None)
    assert "one" not in tracer.called
    assert "other" in tracer.called


@pytest.mark.parametrize("wanted", [True, False])
def test_a_test_is_traced_if_it_is_to_be(tracer: Tracer, wanted: bool) -> None:
    tracing._TRACER.wanted = wanted
    hook = tracing.pytest_pyfunc_call(SimpleNamespace(obj=one))  # type: ignore[arg-type] # one of pytest
    next(hook)
    one()
    with pytest.raises(StopIteration):
        next(hook)
    other()
    assert ("one" in tracer.called) is wanted
    assert "other" not in tracer.called


def test_hypothesis_makes_examples_untraced_and_its_test_is_traced(tracer: Tracer) -> None:
    tracing._TRACER.wanted = True

    @given(st.builds(one))
    def property_of_nothing(_: None) -> None:
        other()

    test: Any = SimpleNamespace(obj=property_of_nothing)
    hook = tracing.pytest_pyfunc_call(test)
    next(hook)
    property_of_nothing()
    assert "other" in tracer.called
    assert "one" not in tracer.called


@pytest.mark.parametrize(
    ("place", "marks", "traced"),
    [
        ("tests/archive/test_keep.py::test_it", [], True),
        ("tests/dicomweb/part10/test_file.py::test_it", [], True),
        ("tests/archive/test_keep.py::test_it", ["process"], False),
        ("tests/archive/test_keep.py::test_it", ["untraced"], False),
        ("tests/client/test_send.py::test_it", [], False),
        ("tests/test_wire.py::test_it", [], False),
    ],
)
def test_the_quick_tests_of_a_room_are_traced(place: str, marks: list[str], traced: bool) -> None:
    item: Any = SimpleNamespace(
        nodeid=place, get_closest_marker=lambda name: name if name in marks else None
    )
    assert tracing._is_traced(item) is traced

"""`make mutants` counts only what it tried, and believes no list that the code contradicts."""

import ast
import os
import signal
import time
from pathlib import Path

import pytest

from tests.mutants import __main__ as command
from tests.mutants import figures
from tests.mutants.covering import Coverage, paths_of
from tests.mutants.figures import Figures
from tests.mutants.mutations import Mutant, _meaning, _place
from tests.mutants.results import EQUIVALENT, Module, equivalents, state_of
from tests.mutants.trials import FUNCTIONS, Limits, in_fork

PLENTY = Limits(processor_seconds=60, seconds=60)


def mutant(before: str, line: int = 1, lines: frozenset[int] = frozenset()) -> Mutant:
    return Mutant("archive/items", "missing", before, f"not {before}", line, lines, "")


@pytest.mark.parametrize(
    ("one", "other"),
    [("not a == b", "a != b"), ("not not a", "a"), ("not a in b", "a not in b"), ("(a)", "a")],
)
def test_two_changes_that_mean_the_same_are_one_mutant(one: str, other: str) -> None:
    assert _meaning(one) == _meaning(other)


def test_the_lines_of_a_mutant_are_those_of_its_statement_in_a_function() -> None:
    tree = ast.parse(
        "X = (1 +\n 2)\n\ndef f(a=3):\n  if (a or\n      X):\n    return 1\n  return 2\n"
    )
    assert _place(tree, 2) == ("<module>", frozenset())
    assert _place(tree, 4) == ("f", frozenset())
    assert _place(tree, 6) == ("f", frozenset({5, 6}))
    assert _place(tree, 7) == ("f", frozenset({7}))


def test_the_tests_of_a_mutant_are_those_that_run_its_lines_the_quick_ones_of_its_file_first() -> (
    None
):
    names = ["a/test_other.py::quick", "a/test_items.py::slow", "a/test_items.py::fast", "never"]
    lines = {"archive/items": {"1": [0], "7": [0, 1, 2]}}
    coverage = Coverage(names, [0.1, 0.5, 0.1, 0.1], lines, [])
    assert coverage.of(mutant("a", 7, frozenset({7, 8}))) == [names[2], names[1], names[0]]
    assert coverage.of(mutant("a", 1, frozenset({1}))) == names[:1]
    assert coverage.of(mutant("a")) == [names[2], names[1], names[0]], "it is run by an import"
    of_its_file = Coverage(names, [0.1, 0.5, 0.1, 0.1], {}, [])
    assert of_its_file.of(mutant("a", 7, frozenset({7}))) == [names[2], names[1]]


def test_every_module_has_tests_of_its_own() -> None:
    for module in figures.modules():
        assert all((FUNCTIONS.parent / path).exists() for path in paths_of(module)), module


def test_what_is_listed_as_equivalent_is_a_line_of_five_columns_with_a_reason(
    tmp_path: Path,
) -> None:
    listed = tmp_path / "equivalent.tsv"
    listed.write_text("# comment\na/b\tf\tx\ty\tno reader sees it\n")
    assert equivalents(listed) == {"a/b\tf\tx\ty": "no reader sees it"}
    listed.write_text("a/b\tf\tx\ty\t\n")
    with pytest.raises(ValueError, match="line 1: expected five columns"):
        equivalents(listed)
    assert all(key.split("\t")[0] in figures.modules() for key in equivalents(EQUIVALENT))


def test_a_mutant_that_is_listed_as_equivalent_must_exist_and_survive() -> None:
    lives, killed, gone = mutant("lives"), mutant("killed"), mutant("gone")
    module = Module("archive/items", {each.key: each for each in (lives, killed)})
    module.killers = {lives.key: None, killed.key: "test_items.py::test_it"}
    listed = dict.fromkeys((lives.key, killed.key, gone.key, "archive/other\tf\ta\tb"), "why")

    assert module.equivalent(listed) == [lives.key]
    assert list(module.wrongly(listed)) == [
        f"listed as equivalent, but killed by test_items.py::test_it: {killed.key}",
        f"listed as equivalent, but there is no such mutant: {gone.key}",
    ]


def test_equivalent_mutants_count_neither_as_killed_nor_as_alive() -> None:
    found = Figures("a", mutants=12, tried=12, killed=9, equivalent=2, date="", source="")
    assert found.survived == 1
    assert figures.per_cent([found]) == 90
    assert figures.per_cent([]) == 100


def test_a_sample_does_not_replace_the_figures_of_a_whole_run(tmp_path: Path) -> None:
    file = tmp_path / "figures.tsv"
    whole = Figures("archive/items", 20, 20, 19, 1, "2026-11-28", "abc")
    sample = Figures("archive/items", 20, 4, 4, 0, "2026-11-29", "abc")
    gone = Figures("archive/gone", 1, 1, 1, 0, "2026-11-28", "abc")
    for each in (gone, whole, sample):
        figures.keep(each, file)
    assert figures.read(file) == {"archive/items": whole}

    changed = Figures("archive/items", 21, 4, 4, 0, "2026-11-30", "def")
    figures.keep(changed, file)
    assert figures.read(file) == {"archive/items": changed}


def test_what_a_test_killed_stays_killed_while_that_test_is_unchanged() -> None:
    text = "class TestA:\n    @mark(1)\n    def test_it(self): pass\n\ndef test_that(): pass\n"
    state = state_of(text, "TestA::test_it[a::b]")
    assert state_of(text.replace("that", "this"), "TestA::test_it") == state
    assert state_of(text.replace("mark(1)", "mark(2)"), "TestA::test_it") != state
    assert state_of(text, "test_other") == "gone"


def test_modules_are_chosen_by_name_or_room_and_in_the_order_asked_for() -> None:
    assert command.chosen(["archive/items", "archive/copies"]) == [
        "archive/items",
        "archive/copies",
    ]
    assert set(command.chosen(["archive"])) < set(command.chosen([]))
    with pytest.raises(SystemExit, match="no module or room archive/nothing"):
        command.chosen(["archive/nothing"])


@pytest.mark.process
def test_what_a_trial_breaks_it_breaks_in_a_fork() -> None:
    assert in_fork(lambda: ["an", "answer"], PLENTY) == ["an", "answer"]
    with pytest.raises(ChildProcessError):
        in_fork(lambda: os.kill(os.getpid(), signal.SIGKILL), PLENTY)
    with pytest.raises(TimeoutError):
        in_fork(lambda: time.sleep(60), Limits(processor_seconds=60, seconds=0.2))


@pytest.mark.process
def test_a_trial_that_never_ends_is_ended_by_its_processor_time() -> None:
    def loop() -> None:
        while True:
            pass

    with pytest.raises(TimeoutError):
        in_fork(loop, Limits(processor_seconds=0, seconds=60))

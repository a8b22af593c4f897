"""What metadata may cost, whatever is in it: processor time, memory, and time that has ended.

``tests.hostile_metadata`` measures all kinds at any size: ``make body-costs``.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dicomweb.outcomes import Failed, SOPReference
from dicomweb.reasons import FailureReason
from dicomweb.timelimit import TimeLimit
from tests.hostile_metadata import of_bytes, receive_all
from tests.processor_time import GENEROUS, growth

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": "functions"}

WORST = ("null items", "deep items", "real numbers for text", "xml: empty items")
"""The kinds that come nearest to the rule, by memory or by time."""


PRONE = (
    "an emoji",
    "attributes",
    "binary with blanks",
    "carets",
    "components",
    "deep items",
    "digits as text",
    "digits of an integer",
    "kanji",
    "many character sets",
    "two character sets",
    "xml: comments",
    "xml: deep items",
    "xml: items",
    "xml: private creators",
)
"""Kinds whose time would grow with the square of the size if they were read carelessly."""


@pytest.mark.parametrize("kind", PRONE)
def test_time_is_linear(kind: str) -> None:
    def act(size: int) -> Callable[[], object]:
        document = of_bytes(kind, size)
        return lambda: receive_all(kind, document)

    assert growth(act, 16_000) < GENEROUS


@pytest.mark.process
def test_the_worst_kinds_keep_to_the_rule_in_a_process_of_their_own() -> None:
    program = [sys.executable, "-m", "tests.hostile_metadata", "700000"]
    for kind in WORST:
        run = subprocess.run(
            [*program, kind], check=False, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT
        )
        assert run.returncode == 0, run.stdout + run.stderr


def test_what_names_no_instance_is_refused_before_it_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[object] = []
    monkeypatch.setattr("dicomweb.metadata.writer.write", written.append)
    document = b"[" + b",".join([b"{}"] * 3999) + b"]"
    outcomes = receive_all("instances", document)
    assert {each.reason for each in outcomes if isinstance(each, Failed)} == {
        FailureReason.MISSING_ATTRIBUTE
    }
    assert len(outcomes) == 3999
    assert not written


class Clock:
    """Time that ends when it has been looked at so many times."""

    def __init__(self, looks: int) -> None:
        self.left = looks

    def __call__(self) -> float:
        self.left -= 1
        return float(self.left)


@pytest.mark.parametrize("kind", ["items", "attributes", "xml: items"])
@pytest.mark.parametrize("looks", [1, 20, 40])
def test_an_instance_is_abandoned_when_its_time_has_ended(kind: str, looks: int) -> None:
    clock = Clock(looks)

    [outcome] = receive_all(kind, of_bytes(kind, 300_000), TimeLimit(clock))

    assert isinstance(outcome, Failed)
    assert (outcome.reason, outcome.temporary, outcome.final) == (
        FailureReason.OUT_OF_RESOURCES,
        True,
        False,
    )
    assert outcome.text.endswith("ended before the instance was read, send it again")
    assert clock.left == 0  # nothing went on


def test_an_instance_that_is_abandoned_is_named() -> None:
    [outcome] = receive_all("items", of_bytes("items", 300_000), TimeLimit(Clock(1)))

    assert isinstance(outcome, Failed)
    assert outcome.reference == SOPReference(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.7", sop_instance_uid="1.2.3.4"
    )

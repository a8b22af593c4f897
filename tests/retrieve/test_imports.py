"""What the retrieve function imports when it starts: little, and nothing that reads instances."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

FUNCTIONS = Path(__file__).parents[2] / "functions"

PROGRAM = """
import sys
import retrieve.handler
print("\\n".join(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def imported() -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(FUNCTIONS)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["pydicom", "PIL", "dicomweb.instances", "archive.archive"])
def test_what_only_storing_needs_is_not_imported(imported: set[str], module: str) -> None:
    assert "retrieve.handler" in imported
    assert module not in imported


def test_of_the_rooms_below_only_these_modules_are_imported(imported: set[str]) -> None:
    ours = {each for each in imported if each.partition(".")[0] in ("dicomweb", "archive")}
    assert ours - {"dicomweb", "archive"} == {
        "archive.clients",
        "archive.connections",
        "archive.endpoints",
        "archive.errors",
        "archive.items",
        "archive.keys",
        "archive.partitions",
        "archive.retrieval",
        "archive.storedinstances",
        "dicomweb.answer",
        "dicomweb.answer.jsonmodel",
        "dicomweb.answer.model",
        "dicomweb.answer.response",
        "dicomweb.answer.responsemodule",
        "dicomweb.envelope",
        "dicomweb.envelope.mediatypes",
        "dicomweb.errors",
        "dicomweb.outcomes",
        "dicomweb.reasons",
        "dicomweb.retrieval",
        "dicomweb.retrieval.acceptable",
        "dicomweb.retrieval.body",
        "dicomweb.retrieval.refusals",
        "dicomweb.retrieval.search",
        "dicomweb.returnattributes",
        "dicomweb.uids",
    }

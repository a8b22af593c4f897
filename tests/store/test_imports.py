"""What the store function imports when it starts: nothing that only metadata needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

FUNCTIONS = Path(__file__).parents[2] / "functions"

PROGRAM = """
import sys
import store.handler
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


@pytest.mark.parametrize(
    "module",
    [
        "PIL",
        "dicomweb.codestreams",
        "dicomweb.metadata",
    ],
)
def test_what_only_metadata_needs_is_not_imported(imported: set[str], module: str) -> None:
    assert "dicomweb.instances" in imported
    assert module not in imported


def test_importing_it_costs_no_more_than_importing_what_part_10_files_need(
    imported: set[str],
) -> None:
    ours = {module for module in imported if module.startswith("dicomweb.")}
    assert ours == {
        f"dicomweb.{name}"
        for name in (
            "answer",
            "answer.jsonmodel",
            "answer.model",
            "answer.nativemodel",
            "answer.response",
            "answer.responsemodule",
            "attributes",
            "candidates",
            "checks",
            "conformance",
            "envelope",
            "envelope.mediatypes",
            "envelope.multipart",
            "errors",
            "instances",
            "mismatches",
            "outcomes",
            "part10",
            "part10.file",
            "part10.headers",
            "part10.inflation",
            "part10.walker",
            "payloads",
            "reasons",
            "repertoires",
            "returnattributes",
            "timelimit",
            "uids",
        )
    }


def test_what_only_a_snapshot_needs_is_not_imported(imported: set[str]) -> None:
    assert "store.settings" in imported
    assert not {"store.snapshot", "snapshot_restore_py"} & imported

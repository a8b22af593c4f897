"""What the store function imports when it starts: nothing that a plain instance does not need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from tests.builders import data_set, part10

pytestmark = pytest.mark.process

FUNCTIONS = Path(__file__).parents[2] / "functions"

PROGRAM = """
import sys
import store.handler
print("\\n".join(sorted(sys.modules)))
"""

READ = """
import sys
import store.handler
from dicomweb.candidates import Candidate
from dicomweb.conformance import StorageProfile
from dicomweb.instances import SOPInstance, receive
content = memoryview(sys.stdin.buffer.read())
candidate = Candidate(number=1, content=lambda: content)
read = receive(candidate, study_instance_uid=None, profile=StorageProfile.CONFORMANCE)
assert isinstance(read, SOPInstance), read
print("\\n".join(sys.modules))
"""

CODE = Dataset()
CODE.CodeValue = "1"


def run(program: str, content: bytes = b"") -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(FUNCTIONS)},
        input=content,
        capture_output=True,
        check=True,
    )
    return set(done.stdout.decode().split())


@pytest.fixture(scope="module")
def imported() -> set[str]:
    return run(PROGRAM)


@pytest.mark.parametrize(
    "module",
    [
        "PIL",
        "dicomweb.codeextensions",
        "dicomweb.codestreams",
        "dicomweb.metadata",
        "lxml",
        "pydicom",
    ],
)
def test_what_not_every_request_needs_is_not_imported(imported: set[str], module: str) -> None:
    assert "dicomweb.instances" in imported
    assert module not in imported


def implicit_vr(**attributes: object) -> bytes:
    return part10(data_set(**attributes), ImplicitVRLittleEndian)  # type: ignore[arg-type]  # any value


@pytest.mark.parametrize(
    "content",
    [
        part10(
            data_set(
                SpecificCharacterSet="ISO_IR 100",
                PatientName="M\xfcller",
                ProcedureCodeSequence=[CODE],
            )
        ),
        implicit_vr(),
    ],
    ids=["explicit VR", "implicit VR"],
)
def test_most_instances_are_read_without_pydicom(content: bytes) -> None:
    assert "pydicom" not in run(READ, content)


@pytest.mark.parametrize(
    "content",
    [
        part10(
            data_set(SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName="\u5c71\u7530^Taro")
        ),
        implicit_vr(ProcedureCodeSequence=[CODE]),
    ],
    ids=["code extensions", "implicit VR with a sequence"],
)
def test_pydicom_is_imported_for_code_extensions_and_its_dictionary(content: bytes) -> None:
    assert "pydicom" in run(READ, content)


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


@pytest.mark.parametrize("function", ["store", "authorizer"])
def test_garbage_is_collected_as_usual_after_the_start(function: str) -> None:
    program = f"""
import gc
usual = gc.get_threshold()
import {function}
assert gc.get_threshold()[0] > usual[0]
import {function}.handler
print("usual" if gc.get_threshold() == usual else "less", "frozen" if gc.get_freeze_count() else "")
"""
    assert run(program) == {"usual", "frozen"}


def test_what_only_a_snapshot_needs_is_not_imported(imported: set[str]) -> None:
    assert "store.settings" in imported
    assert not {"store.snapshot", "snapshot_restore_py"} & imported

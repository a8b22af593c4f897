"""The UIDs of the standard have the names that pydicom gives them, in dicomweb.uids as well."""

import ast
from pathlib import Path

import pytest
from pydicom import uid

ROOT = Path(__file__).parent.parent
NAMES = ROOT / "functions" / "dicomweb" / "uids.py"
NAMED = {str(value): name for name, value in vars(uid).items() if isinstance(value, uid.UID)}


@pytest.mark.parametrize("room", ["functions", "local"])
def test_no_uid_that_has_a_name_is_spelled_out(room: str) -> None:
    spelled = [
        f"{path.relative_to(ROOT)}:{node.lineno} is {NAMED[node.value]}"
        for path in set((ROOT / room).rglob("*.py")) - {NAMES}
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in NAMED
    ]
    assert spelled == []


def test_a_uid_of_each_kind_has_a_name() -> None:
    assert NAMED["1.2.840.10008.1.2.1"] == "ExplicitVRLittleEndian"
    assert NAMED["1.2.840.10008.5.1.4.1.1.2"] == "CTImageStorage"

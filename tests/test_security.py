"""The threat model names tests and resources that are there."""

import ast
import re
from pathlib import Path

import pytest

from tests.template.parts import RESOURCES

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
_, _, *ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")]
SHOWN = {
    row.split(" | ")[0].strip("| "): re.findall(r"`([^`]+)`", row.split(" | ")[3]) for row in ROWS
}


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


@pytest.mark.parametrize("door", SHOWN)
def test_what_holds_a_door_is_shown_by_a_test_or_a_resource(door: str) -> None:
    assert SHOWN[door]
    for each in SHOWN[door]:
        path, _, name = each.partition("::")
        if not path.endswith(".py"):
            assert each in RESOURCES
        elif name:
            assert name in names_in(ROOT / path)
        else:
            assert any(found.startswith("test_") for found in names_in(ROOT / path))

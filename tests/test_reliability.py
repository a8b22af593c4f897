"""The page of figures that the long suites write."""

from pathlib import Path

import pytest

from tests import reliability
from tests.markdown import table


def test_the_page_has_each_section_once_and_in_its_order() -> None:
    lines = reliability.PAGE.read_text("utf-8").splitlines()
    marks = [line for line in lines if line.startswith("<!-- ")]
    assert marks == [
        mark for name in reliability.SECTIONS for mark in (f"<!-- {name} -->", f"<!-- /{name} -->")
    ]


def test_a_suite_replaces_its_own_section_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- fuzz -->\nold\n<!-- /fuzz -->\nb\n<!-- mutants -->\n")

    reliability.write("fuzz", table(("what", "n"), [("bodies", 3)]), page)
    reliability.write("fuzz", "new", page)

    assert page.read_text() == "a\n<!-- fuzz -->\n\nnew\n\n<!-- /fuzz -->\nb\n<!-- mutants -->\n"
    with pytest.raises(ValueError, match="exactly once"):
        reliability.write("mutants", "new", page)

"""docs/conformance.md, read as the tables of a PS3.2 Annex N statement, and its written parts."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "conformance.md"
FACTS = ROOT / "docs" / "conformance.json"
SCHEMA = ROOT / "docs" / "conformance.schema.json"

_CELLS = re.compile(r"(?<= )\|(?= )")


def table(text: str, *heading: str) -> list[list[str]]:
    """Return the cells of the one table of ``text`` whose heading begins with ``heading``."""
    begin = f"\n| {' | '.join(heading)} "
    if text.count(begin) != 1:
        raise ValueError(f"found {text.count(begin)} tables, expected one that begins {begin!r}")
    _, _, rest = text.partition(begin)
    lines = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in _CELLS.split(line[1:-1])] for line in lines]


def with_tables(text: str, tables: dict[str, str], target: str = "make conformance") -> str:
    """Return ``text`` with each of the tables between the comments that name it and its target."""
    for name, written in tables.items():
        begin, end = (f"<!-- begin {name}, written by {target} -->", f"<!-- end {name} -->")
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"found no place for {name}, expected {begin} and {end}")
        text = f"{before}{begin}\n\n{written.strip()}\n\n{end}{after}"
    return text

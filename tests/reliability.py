"""docs/reliability.md: each suite writes its last figures into its own section.

A section begins with the line ``<!-- name -->`` and ends with ``<!-- /name -->``. What is between
them is generated; the rest of the page is written by hand. A suite calls ``write``, or passes
Markdown to ``python -m tests.reliability NAME``.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "reliability.md"
SECTIONS = ("torture", "fuzz", "mutants")


def write(section: str, figures: str, page: Path = PAGE) -> None:
    """Replace what is in ``section`` of ``page`` with ``figures``, which is Markdown.

    Raises ValueError if the page does not have the section exactly once.
    """
    begin, end = f"<!-- {section} -->\n", f"<!-- /{section} -->\n"
    text = page.read_text("utf-8")
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"expected the section {section} exactly once in {page.name}")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n{figures.strip()}\n\n{end}{after}", "utf-8")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    write(sys.argv[1], sys.stdin.read())

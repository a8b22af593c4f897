"""``python -m tests.statement``: write what the conformance statement takes from the code.

These are Tables 1-1 and 1-2 of docs/conformance.md, and docs/conformance.json.
"""

import json
from typing import Any

from tests.statement.facts import facts
from tests.statement.pages import FACTS, PAGE, with_tables
from tests.statement.syntaxsets import tables


def written(content: dict[str, Any]) -> str:
    """Return the text of docs/conformance.json."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write both."""
    page = with_tables(PAGE.read_text("utf-8"), tables())
    PAGE.write_text(page, "utf-8")
    FACTS.write_text(written(facts(page)), "utf-8")


if __name__ == "__main__":
    main()

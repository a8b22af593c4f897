"""The documents refer to one another by links that lead somewhere."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parent.parent
DECISIONS = ROOT / "docs" / "decisions"
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "client" / "README.md"],
)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"(?<![\w/.-])make (?:[A-Z0-9_]+=\S* )*([a-z][a-z-]*)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def prose(document: Path) -> str:
    """Return the text of a document without its blocks of code."""
    return FENCED.sub("", document.read_text("utf-8"))


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    broken = []
    for link in LINK.findall(prose(document)):
        path, _, anchor = unquote(link).partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.is_relative_to(ROOT) or not target.exists():
            broken.append(f"{link}: no such file")
        elif anchor and anchor not in anchors(target):
            broken.append(f"{link}: no such heading")
    assert broken == []


def test_every_make_target_that_is_named_exists() -> None:
    makefiles = [ROOT / "Makefile", *ROOT.glob("deploy/*.mk")]
    rules = "\n".join(path.read_text("utf-8") for path in makefiles)
    targets = {
        target
        for rule in re.findall(r"^([a-z][\w. -]*):(?!=)", rules, re.MULTILINE)
        for target in rule.split()
    }
    named = {
        (str(document.relative_to(ROOT)), target)
        for document in DOCUMENTS
        for code in CODE.findall(document.read_text("utf-8"))
        for target in TARGET.findall(code)
    }
    assert {target for _, target in named} >= {"run", "sample", "deploy"}
    assert {each for each in named if each[1] not in targets} == set()


def test_every_room_of_functions_is_in_the_table_of_rooms() -> None:
    rooms = {path.parent.name for path in ROOT.glob("functions/*/__init__.py")}
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    _, _, section = page.partition("\n## Rooms\n")
    table = section.partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == rooms


def test_each_version_of_the_changelog_has_a_section_of_a_kind_once() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    _, *versions = re.split(r"^## ", changelog, flags=re.MULTILINE)
    for version in versions:
        _, *sections = re.split(r"^### ", version, flags=re.MULTILINE)
        kinds = [section.partition("\n")[0] for section in sections]
        assert kinds == sorted(set(kinds))
        assert set(kinds) <= {"Added", "Changed", "Deprecated", "Fixed", "Removed", "Security"}
        for section in sections:
            entries = section.partition("\n")[2].strip().splitlines()
            assert all(entry.startswith("- ") for entry in entries)
            assert len(set(entries)) == len(entries)


def test_every_decision_is_in_the_index_with_its_number_and_title() -> None:
    decisions = []
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        heading, _, _ = path.read_text("utf-8").partition("\n")
        number, _, title = heading.removeprefix("# ").partition(". ")
        assert path.name.startswith(f"{int(number):04}-")
        decisions.append(f"* [{int(number):04}]({path.name}) {title}")
    index = (DECISIONS / "README.md").read_text("utf-8")
    assert [line for line in index.splitlines() if line.startswith("* ")] == decisions


def test_no_number_is_given_to_two_decisions() -> None:
    numbers = [path.name[:4] for path in DECISIONS.glob("[0-9]*.md")]
    assert sorted(numbers) == sorted(set(numbers))


def test_the_page_of_figures_ends_with_the_explanation_that_the_benchmark_adds() -> None:
    explanation = (ROOT / "tests" / "bench" / "explanation.md").read_text("utf-8")
    assert (ROOT / "docs" / "performance.md").read_text("utf-8").endswith(explanation)

"""Every clause that the code cites is in one table, with its title and its document's edition.

The column ``wording`` tells the document's own title from a description of the clause.
"""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEADING, *ROWS = [
    line.split("\t") for line in (ROOT / "tests" / "citations.tsv").read_text("utf-8").splitlines()
]

DOCUMENT = (
    r"(?:PS3\.\d{1,2}|RFC \d{4}|(?:10918|11172|13818|14495|14496|15444|23008)-\d{1,2}"
    r"|H\.26\d|T\.8\d)"
)
CLAUSE = (
    r"(?:Annex [A-Z](?:\.\d+)*|Tables? [A-Z]?[\d.]*\d[a-z]?(?:-\d+[a-z]?)?"
    rf"|Sections? \d+(?:\.\d+)*|(?!{DOCUMENT})(?:[A-Z]\.)?\d+(?:\.\d+)+|(?!{DOCUMENT})[A-Z]\.\d+)"
)
CITATION = re.compile(rf"({DOCUMENT})((?:,? (?:and |or |to )?{CLAUSE})+)")


def citations(source: str) -> Iterator[tuple[str, str]]:
    """Yield document and clause of each citation, also of those that go over a line's end."""
    for found in CITATION.finditer(re.sub(r"\s*\n\s*(?:# )?", " ", source)):
        document = f"ISO/IEC {found[1]}" if found[1][0].isdigit() else found[1]
        for clause in re.findall(CLAUSE, found[2]):
            plain = re.sub(r"^Sections? |^Annex (?=[A-Z]\.)", "", clause)
            yield document, plain.replace("Tables ", "Table ")


def cited() -> set[tuple[str, str]]:
    rooms = [ROOT / name for name in ("functions", "client", "local")]
    paths = [path for room in rooms for path in room.rglob("*.py")]
    return {each for path in paths for each in citations(path.read_text("utf-8"))}


def test_citations_are_found_in_every_form_that_is_written() -> None:
    source = """
    (PS3.18 8.6.1.2, 10.5.1.4) and PS3.5 Sections 8.2.5 to 8.2.11, RFC 2046 5.1.1; PS3.3 Table
    C.7-11c, PS3.18 Annex I.2 and PS3.5 Annex A (14496-12 8.4.2 and 8.6.1.2), H.264 or H.265 7.2
    # of PS3.10
    # 7.5, PS3.18 Tables 10.6.3-3 to -5, RFC 9110, PS3.10.
    """
    assert list(citations(source)) == [
        ("PS3.18", "8.6.1.2"),
        ("PS3.18", "10.5.1.4"),
        ("PS3.5", "8.2.5"),
        ("PS3.5", "8.2.11"),
        ("RFC 2046", "5.1.1"),
        ("PS3.3", "Table C.7-11c"),
        ("PS3.18", "I.2"),
        ("PS3.5", "Annex A"),
        ("ISO/IEC 14496-12", "8.4.2"),
        ("ISO/IEC 14496-12", "8.6.1.2"),
        ("H.265", "7.2"),
        ("PS3.10", "7.5"),
        ("PS3.18", "Table 10.6.3-3"),
    ]


def test_the_table_has_one_line_with_a_title_and_an_edition_for_each_clause() -> None:
    assert HEADING == ["document", "edition", "clause", "title", "wording"]
    assert all(all(row) and len(row) == len(HEADING) for row in ROWS)
    assert {wording for *_, wording in ROWS} <= {"title", "described"}
    clauses = [(document, clause) for document, _, clause, *_ in ROWS]
    assert len(clauses) == len(set(clauses))
    assert len({(document, edition) for document, edition, *_ in ROWS}) == len(
        {document for document, *_ in ROWS}
    )


def test_every_clause_that_is_cited_is_in_the_table_and_no_other() -> None:
    assert cited() == {(document, clause) for document, _, clause, *_ in ROWS}

"""docs/conformance.md has the form of PS3.2 Annex N: its sections, by number, in its order."""

import re

import pytest

from tests.statement.pages import PAGE

STATEMENT = PAGE.read_text("utf-8")
PROSE = re.sub(r"^```.*?^```", "", STATEMENT, flags=re.MULTILINE | re.DOTALL)
SECTIONS = re.findall(r"^(#{2,4}) ((?:\d+(?:\.\d+)*|Annex [A-F]) .+)$", PROSE, re.MULTILINE)
TITLES = [title for _, title in SECTIONS]
NOT_SUPPORTED = (
    "1.2 DIMSE Services",
    "1.4 Media Services",
    "1.5 Real-Time Video Services",
    "1.6 De-identification",
    "5.2 Supported DIMSE Services",
    "5.3.1 URI Web Service (WADO-URI)",
    "5.3.3 Worklist Web Service (UPS-RS)",
    "5.3.4 Non-Patient Instance Web Service",
    "5.4 Supported Media Storage Services",
    "5.5 Supported Real-Time Video Services",
    "6.2 Configuration of DIMSE Services",
    "6.4 Configuration of Media Storage Services",
    "7.3.2 DIMSE Services",
    "7.3.3.2 URI Web Service",
    "7.3.3.4 Worklist Web Service",
    "7.3.3.5 Non-Patient Instance Web Service",
    "8.4.4 Attribute Confidentiality Profiles",
)


def section(title: str) -> str:
    """Return the text of a section up to the next heading of any level."""
    _, found, rest = PROSE.partition(f"# {title}\n")
    assert found, title
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0].strip()


def test_the_sections_are_1_to_8_and_the_annexes_a_to_f() -> None:
    assert [title for level, title in SECTIONS if level == "##"] == [
        "1 Overview",
        "2 Table of Contents",
        "3 Introduction",
        "4 Implementation Model",
        "5 Service and Interoperability Description",
        "6 Configuration",
        "7 Network and Media Communication Details",
        "8 Security",
        "Annex A Information Object Definitions (IODs)",
        "Annex B Structured Report Content Encoding",
        "Annex C Security Details",
        "Annex D Mapping of Attributes",
        "Annex E Codes",
        "Annex F Cases and answers",
    ]


def test_the_numbers_ascend_and_none_is_there_twice() -> None:
    numbered = [title.split(" ")[0] for title in TITLES if not title.startswith("Annex")]
    numbers = [[int(part) for part in number.split(".")] for number in numbered]
    assert numbers == sorted(numbers)
    assert len(set(numbered)) == len(numbered)


@pytest.mark.parametrize("title", NOT_SUPPORTED)
def test_a_section_that_does_not_apply_keeps_its_number_and_says_so(title: str) -> None:
    assert re.match(r"Not supported[.:]", section(title))


def test_no_section_is_left_empty_that_has_none_below_it() -> None:
    for level, title in SECTIONS:
        _, _, rest = PROSE.partition(f"# {title}\n")
        text = re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]
        number = title.split(" ")[0]
        assert text.strip() or any(other.startswith(f"{number}.") for other in TITLES), title


@pytest.mark.parametrize(
    ("title", "tables"),
    [
        ("1.3 DICOM Web Services", ["| Service | Role |"]),
        ("5.3 Supported DICOM Web Services", ["| Method | Resource |"]),
        ("Header fields", ["| Field or parameter | Use |"]),
        ("Answers", ["| Attribute | Type |", "| Field | When |"]),
        ("Limits", ["| Limit | Value |"]),
        ("6.1 General Configuration Parameters", ["| Parameter | Configurable |"]),
        ("7.3.3.3.3 Store Transaction as Origin Server", ["| Status | When |"]),
        ("Warning reasons", ["| Warning | Keyword |"]),
        ("Failure reasons", ["| Reason | Keyword |"]),
        ("Annex F Cases and answers", ["| Row | Case |"]),
    ],
)
def test_a_fact_is_where_the_template_puts_it(title: str, tables: list[str]) -> None:
    for heading in tables:
        assert heading in section(title)


def test_the_parts_of_store_are_below_its_origin_server() -> None:
    _, _, rest = PROSE.partition("#### 5.3.2.3.2 Origin Server\n")
    store, _, _ = rest.partition("\n### ")
    assert re.findall(r"^##### (.+)$", store, re.MULTILINE) == [
        "Header fields",
        "Payload",
        "Metadata and bulk data",
        "Leniencies",
        "Large requests",
        "Answers",
        "Limits",
        "What is kept",
    ]


def test_the_contents_list_every_section_of_two_levels() -> None:
    headings = re.findall(r"^#{2,3} (.+)$", PROSE, re.MULTILINE)
    assert (
        re.findall(r"^ *\* \[(.+)\]\(#", section("2 Table of Contents"), re.MULTILINE) == headings
    )

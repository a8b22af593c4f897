"""The conformance statement says what the code does."""

import ast
import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from authorizer import tokens
from dicomweb import attributes, codestreams, conformance, returnattributes, uids
from dicomweb.answer import capabilities, response
from dicomweb.codestreams import rendered
from dicomweb.envelope import multipart
from dicomweb.envelope.mediatypes import ALIASES
from dicomweb.metadata import budget, nativemodel, notation, writer
from dicomweb.part10 import headers, inflation, walker
from dicomweb.reasons import FailureReason, WarningReason
from dicomweb.retrieval import body
from local import gateway as local_gateway
from local import lambda_service
from store import handler
from tests.statement import pages
from transaction import gateway
from uploads.handler import SECONDS_BETWEEN_LOOKS, SECONDS_UNTIL_ANOTHER_MAY_HAVE_ENDED

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
STATEMENT = pages.PAGE.read_text("utf-8")
STATUSES = {200, 202, 400, 401, 403, 409, 503}
NOT_DONE = {118}


def table(*heading: str) -> list[list[str]]:
    """Return the cells of the one table whose heading begins with ``heading``."""
    return pages.table(STATEMENT, *heading)


def limits() -> dict[str, list[int]]:
    """Return the numbers of each limit, without the words around them."""
    return {
        row[0]: [int(found) for found in re.findall("[0-9]+", row[1])] for row in table("Limit")
    }


def test_every_failure_reason_is_listed_with_its_condition() -> None:
    listed = {(row[0], row[1]) for row in table("Reason", "Keyword", "When") if row[2]}
    assert listed == {(f"{reason:04X}", reason.name) for reason in FailureReason}


def test_every_warning_reason_is_listed_with_its_condition() -> None:
    listed = {(row[0], row[1]) for row in table("Warning", "Keyword", "When") if row[2]}
    assert listed == {(f"{reason:04X}", reason.name) for reason in WarningReason}


def test_every_media_type_of_pixel_data_is_named() -> None:
    named = {found.lower() for found in re.findall("`((?:image|video)/[^`]+)`", STATEMENT)}
    assert named == codestreams.MEDIA_TYPES


def test_the_implementation_is_named() -> None:
    assert f" {writer.IMPLEMENTATION_CLASS_UID}, " in STATEMENT
    assert f" {writer.IMPLEMENTATION_VERSION_NAME}." in STATEMENT


def test_the_statuses_are_those_of_the_capabilities() -> None:
    listed = {int(row[0]) for row in table("Status", "When")}
    assert listed == STATUSES
    stores = [method for known in capabilities._STORE for method in known.methods]
    assert all(set(method.statuses) == STATUSES for method in stores)


def test_the_transfer_syntaxes_and_their_groups_are_those_of_the_table() -> None:
    listed = {row[0]: set(row[1].split(", ")) - {"-"} for row in table("Transfer syntax")}
    assert listed == conformance.transfer_syntax_groups()


def test_the_transfer_syntaxes_and_their_iods_are_those_of_the_table() -> None:
    listed = {row[0]: set(row[2].split(", ")) for row in table("Transfer syntax")}
    assert listed == conformance.transfer_syntax_iods()


def test_the_sop_classes_are_counted_by_iod() -> None:
    iods = list(conformance.sop_class_iods().values())
    listed = {row[0]: int(row[1]) for row in table("IOD", "SOP classes")}
    assert listed == {iod: iods.count(iod) for iod in iods}


def test_the_editions_are_those_of_the_clauses_that_are_cited() -> None:
    _, *rows = (ROOT / "tests" / "citations.tsv").read_text("utf-8").splitlines()
    editions = {tuple(row.split("\t")[:2]) for row in rows if row.startswith("PS3.")}
    found = re.search(r"edition (\w+) of the standard, and (\w+) of PS3\.18", STATEMENT)
    assert found
    usual, of_web_services = found.groups()
    assert "PS3.15 was read in a text that names no edition" in STATEMENT
    others = {"PS3.18": of_web_services, "PS3.15": "current"}
    assert editions == {(document, others.get(document, usual)) for document, _ in editions}


def test_the_sop_classes_are_counted_by_group() -> None:
    groups = list(conformance.sop_class_groups().values())
    listed = {row[0]: int(row[1]) for row in table("Group", "SOP classes")}
    assert listed == {group: groups.count(group) for group in groups}


def test_the_indexed_attributes_are_those_of_the_index() -> None:
    levels = {
        "Study": returnattributes.STUDY,
        "Series": returnattributes.SERIES,
        "Instance": returnattributes.INSTANCE,
        "Request Attributes Sequence": returnattributes.REQUEST,
    }
    listed = {row[0]: row[1].split(", ") for row in table("Level", "Attributes")}
    assert listed == {
        level: [keyword for _, keyword, _ in known] for level, known in levels.items()
    }


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("body parts", multipart.MAX_PARTS),
        ("header of a body part", multipart.MAX_HEADER_BYTES),
        ("boundary", multipart.MAX_BOUNDARY),
        ("nesting of sequences", walker.MAX_DEPTH),
        ("elements, items and fragments of a data set", headers.MAX_ELEMENTS),
        ("inflated data set", inflation.MAX_INFLATED_BYTES),
        ("instances of metadata in a request", multipart.MAX_PARTS),
        ("metadata in a part", budget.MAX_METADATA_BYTES),
        ("objects of metadata in a request", budget.MAX_OBJECT_BYTES),
        (
            "values left out by their numbers in XML metadata",
            nativemodel.MAX_MISSING_NUMBERS,
        ),
        ("instances made of metadata in a request", budget.MAX_BYTES),
        ("PNG or GIF image", budget.MAX_BYTES // 3),
        ("URI of bulk data", notation.MAX_URI_BYTES),
        ("an attribute of the index", attributes._MAX_BYTES),
        ("items of Request Attributes Sequence in the index", attributes._MAX_ITEMS),
        ("Warning fields of an answer", response._MAX_WARNING_BYTES),
        ("Authorization field", tokens.MAX_HEADER),
        ("body of a request", local_gateway.BODY_LIMIT),
        ("body of several instances that are retrieved", body.MAX_BODY_BYTES),
        ("instances in such a body", body.MAX_PARTS),
        ("time for a request", 28),
    ],
)
def test_a_limit_has_the_number_of_the_code(limit: str, value: int) -> None:
    assert limits()[limit][0] == value


def test_every_limit_of_the_protocol_is_listed() -> None:
    listed = {number for numbers in limits().values() for number in numbers}
    functions = ROOT / "functions"
    paths = (functions / "dicomweb").rglob("*.py")
    for path in (each for each in paths if each.parent.name != "codestreams"):  # formats' limits
        name = ".".join(path.relative_to(functions).with_suffix("").parts)
        module = importlib.import_module(name)
        limited = {value for name, value in vars(module).items() if name.startswith("MAX_")}
        assert limited <= listed, path.name


def test_the_other_numbers_of_limits_and_answers_are_those_of_the_code() -> None:
    assert limits()["body of a request"][1] == lambda_service.PAYLOAD_LIMIT
    assert limits()["time for a request"][1] == handler.SECONDS_TO_ANSWER
    assert limits()["PNG or GIF image"][1] == rendered.MAX_FRAMES
    template = (ROOT / "template.yaml").read_text("utf-8")
    assert "Timeout: 28 " in template
    least, most = SECONDS_BETWEEN_LOOKS
    retry_after = {row[0]: row[1] for row in table("Field", "When")}["`Retry-After`"]
    assert retry_after == (
        f"503, except for an upload that was given up: {gateway.RETRY_AFTER_SECONDS} seconds;"
        f" {SECONDS_UNTIL_ANOTHER_MAY_HAVE_ENDED} if too many uploads of the sender are pending."
        f" 200 of a pending upload: {least} to {most} seconds, by its size"
    )
    assert uids.LONGEST == 64
    assert "up to 64 digits and dots" in STATEMENT


def test_every_limit_is_checked_here_or_is_a_parameter() -> None:
    template = (ROOT / "template.yaml").read_text("utf-8")
    for row in table("Limit"):
        names = re.findall("`([A-Za-z]+)`", row[1])
        assert re.search("[0-9]", row[1]) or names
        assert all(f"\n  {name}:\n" in template for name in names)


def test_every_parameter_that_is_named_is_one_of_the_template() -> None:
    template = (ROOT / "template.yaml").read_text("utf-8")
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)(?:=[a-z-]+)?`", STATEMENT))
    named.add("Authentication")
    assert len(named) > 8
    for name in named:
        assert f"\n  {name}:\n    Type:" in template


def test_every_media_type_of_an_answer_is_named() -> None:
    for alias in ALIASES:
        assert f"`{alias}`" in STATEMENT


def test_the_rows_are_1_to_130_with_statuses_of_the_closed_set() -> None:
    rows = table("Row", "Case", "Answer", "Remark")
    assert [int(row[0]) for row in rows] == list(range(1, 131))
    for row in rows:
        answers = [] if row[2] == "-" else [int(status) for status in row[2].split("; ")]
        assert set(answers) <= STATUSES
        assert bool(answers) == (int(row[0]) not in NOT_DONE)


def rows_of_tests() -> "Iterator[int]":
    for path in (ROOT / "tests" / "rows").glob("test_*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and (
                found := re.match(r"test_row_(\d{3})_", node.name)
            ):
                yield int(found[1])


def test_every_row_that_is_supported_is_a_test_that_names_it() -> None:
    assert set(rows_of_tests()) == set(range(1, 131)) - NOT_DONE

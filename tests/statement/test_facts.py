"""docs/conformance.json and the tables of docs/conformance.md say what the code does."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from dicomweb.answer import capabilities
from dicomweb.conformance import StorageProfile, takes_sop_class, takes_transfer_syntax
from tests.statement.__main__ import written
from tests.statement.facts import facts
from tests.statement.pages import FACTS, PAGE, ROOT, SCHEMA, table, with_tables
from tests.statement.syntaxsets import tables
from tests.template.parts import API, PARAMETERS

STATEMENT = PAGE.read_text("utf-8")
STATED: dict[str, Any] = json.loads(FACTS.read_text("utf-8"))

# The package that validates is where the SAM CLI is.
VALIDATE = """
import json, sys
from jsonschema import Draft202012Validator

schema, documents = json.load(sys.stdin)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
print(json.dumps([[e.json_path for e in validator.iter_errors(each)] for each in documents]))
"""
WRONG = {
    "$.statuses[0].status": ("statuses", {"status": 404, "when": "never"}),
    "$.failureReasons[0].code": (
        "failureReasons",
        {"code": "c000", "keyword": "CANNOT_UNDERSTAND", "when": "x"},
    ),
    "$.resources[0].path": ("resources", {"method": "GET", "path": "studies", "token": True}),
    "$.limits[0]": (
        "limits",
        {"limit": "x", "values": [], "text": "x", "parameters": [], "beyond": {"text": "400"}},
    ),
    "$.transferSyntaxes[0].uid": ("transferSyntaxes", {"uid": "1.02", "name": "x"}),
    "$.sopClasses[0]": ("sopClasses", {"uid": "1.2", "name": "x"}),
}
"""Items that the schema refuses, by the place where it finds the mistake."""


def test_the_page_and_the_facts_are_what_make_conformance_writes() -> None:
    assert with_tables(STATEMENT, tables()) == STATEMENT, "run: make conformance"
    assert FACTS.read_text("utf-8") == written(facts(STATEMENT)), "run: make conformance"


@pytest.mark.process
def test_the_facts_have_the_form_of_their_schema_and_wrong_ones_have_not() -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    short = {
        name: value[:1] if isinstance(value, list) else value for name, value in STATED.items()
    }
    missing = [
        {name: value for name, value in short.items() if name != left_out} for left_out in short
    ]
    wrong = [{**short, name: [item]} for name, item in WRONG.values()]
    done = subprocess.run(
        [".sam-venv/bin/python", "-c", VALIDATE],
        input=json.dumps([schema, [STATED, *missing, {**short, "more": 1}, *wrong]]),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    stated, *others = json.loads(done.stdout)
    assert stated == []
    assert others == [["$"]] * (len(STATED) + 1) + [[place] for place in WRONG]


def test_an_instance_is_accepted_if_the_facts_say_so_and_only_then() -> None:
    classes = {row["uid"]: row["transferSyntaxSet"] for row in STATED["sopClasses"]}
    syntaxes = [row["uid"] for row in STATED["transferSyntaxes"]]
    for stated in STATED["profiles"]:
        profile, sets = StorageProfile(stated["profile"]), stated["transferSyntaxSets"]
        assert set(sets) == {found[profile] for found in classes.values() if profile in found}
        for uid, found in classes.items():
            assert takes_sop_class(profile, uid) == (profile in found)
        for uid, syntax in product(classes, [*syntaxes, "1.2.840.10008.1.2.2", "1.2.3"]):
            accepted = takes_sop_class(profile, uid) and takes_transfer_syntax(profile, uid, syntax)
            assert accepted == (syntax in sets.get(classes[uid].get(profile), []))
    assert {each["profile"] for each in STATED["profiles"]} == set(StorageProfile)


def test_the_resources_of_the_page_are_those_of_the_template() -> None:
    listed = {
        (method, path, "needs no token" not in row[2])
        for row in table(STATEMENT, "Method", "Resource")
        for method in row[0].split(", ")
        for path in re.findall("`([^`]+)`", row[1])
    }
    assert listed == {(each["method"], each["path"], each["token"]) for each in STATED["resources"]}


def test_the_capabilities_are_among_the_facts() -> None:
    described = json.loads(
        capabilities.describe("", "http://x", "application/json", retrieves=True)[1]
    )
    for resource in described["resources"]:
        for method in resource["methods"]:
            stated = {(each["method"], each["path"]) for each in STATED["resources"]}
            assert (method["name"], f"/{resource['path']}") in stated
            stores = method["name"] == "POST"
            statuses = STATED["statuses" if stores else "retrievalStatuses"]
            assert method["status"] == [each["status"] for each in statuses]
            request = STATED["mediaTypes"]["request"]
            assert set(method["request"]) <= {*request["multipart"], *request["single"]}
            if stores:
                assert sorted(method["response"]) == STATED["mediaTypes"]["answer"]["all"]


def fields_of_answers() -> Iterator[str]:
    """Yield the names of header fields that the functions and the gateway give to answers."""
    functions = ROOT / "functions"
    for room in ("transaction", "store", "capabilities", "uploads", "dicomweb/answer"):
        for path in (functions / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                for key in getattr(node, "keys", [getattr(node, "slice", None)]):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        yield key.value
    for answer in API["GatewayResponses"].values():
        yield from answer["ResponseParameters"]["Headers"]


def test_the_header_fields_of_answers_are_those_that_the_code_gives_them() -> None:
    form = re.compile("[A-Z][A-Za-z]+(-[A-Z][A-Za-z]+)*")
    not_fields = {"Value"}  # of the JSON model
    given = {name for name in fields_of_answers() if form.fullmatch(name)} - not_fields
    cors = "Access-Control-"
    assert {each["name"] for each in STATED["responseFields"]} == {
        f"{cors}*" if name.startswith(cors) else name for name in given
    }


def test_the_parameters_have_the_defaults_of_the_template() -> None:
    for each in STATED["parameters"]:
        assert str(PARAMETERS[each["parameter"]]["Default"]) == each["default"]
    in_limits = {name for each in STATED["limits"] for name in each["parameters"]}
    assert in_limits <= {each["parameter"] for each in STATED["parameters"]}


def test_a_limit_that_is_a_parameter_states_its_default() -> None:
    limits = {each["limit"]: each for each in STATED["limits"]}
    storage = PARAMETERS["IngestStorage"]["Default"]
    assert [each["value"] for each in limits["body of an upload"]["values"]] == [
        (storage - 64) * 2**20
    ]
    assert [each["value"] for each in limits["time to begin an upload"]["values"]] == [
        PARAMETERS["UploadSeconds"]["Default"]
    ]
    assert limits["requests at once"]["values"] == []
    values = {row[0]: row[1] for row in table(STATEMENT, "Limit", "Value")}
    assert values["requests at once"].startswith("unlimited by default: ")


def test_every_fact_of_a_limit_beyond_which_something_fails_names_a_listed_code() -> None:
    reasons = {each["code"] for each in STATED["failureReasons"]}
    statuses = {each["status"] for each in STATED["statuses"]}
    for each in STATED["limits"]:
        beyond = each["beyond"]
        assert {beyond[what] for what in beyond.keys() & {"reason"}} <= reasons
        assert {beyond[what] for what in beyond.keys() & {"status"}} <= statuses


def test_a_table_that_is_not_there_or_there_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="found 0 tables"):
        table("nothing", "Limit")
    with pytest.raises(ValueError, match="found 2 tables"):
        table("\n| Limit |\n| Limit |", "Limit")
    with pytest.raises(ValueError, match="found no place for Table 9"):
        with_tables("nothing", {"Table 9": ""})

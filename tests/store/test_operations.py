import ast
import inspect
import re

import pytest

import ingest.handler
import store.handler
import uploads.handler
from tests.store.deployment import ROOT
from tests.template.parts import PARAMETERS, of_type
from transaction import intake, journal

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
METRICS = {
    str(keyword.arg)
    for module in (store.handler, uploads.handler, ingest.handler, intake, journal)
    for node in ast.walk(ast.parse(inspect.getsource(module)))
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("count", "journal.count")
    for keyword in node.keywords
}


def test_metrics_are_found_in_the_source() -> None:
    assert {"InstancesStored", "RequestsRefused"} < METRICS


@pytest.mark.parametrize(
    "name", [*PARAMETERS, *of_type("AWS::CloudWatch::Alarm"), *sorted(METRICS)]
)
def test_operators_are_told_of(name: str) -> None:
    assert f"`{name}`" in OPERATIONS


def test_each_log_group_has_a_row() -> None:
    names = {
        group["LogGroupName"]["Fn::Sub"][0]
        .replace("${AWS::StackName}", "<stack>")
        .replace("${Id}", "<id>")
        for group in of_type("AWS::Logs::LogGroup").values()
    }
    assert set(re.findall(r"^\| `(/<stack>/[^`]+)` \|", OPERATIONS, re.MULTILINE)) == names


def test_the_table_of_alarms_has_each_alarm_once() -> None:
    rows = re.findall(r"^\| `(\w+Alarm)` \|", OPERATIONS, re.MULTILINE)
    assert sorted(rows) == sorted(of_type("AWS::CloudWatch::Alarm"))

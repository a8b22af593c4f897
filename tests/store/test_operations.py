import ast
import inspect

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

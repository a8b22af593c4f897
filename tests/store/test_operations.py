import ast
import inspect

import pytest

from store import handler
from tests.store.deployment import ROOT
from tests.template.parts import PARAMETERS, of_type

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
METRICS = {
    str(keyword.arg)
    for node in ast.walk(ast.parse(inspect.getsource(handler)))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "count"
    for keyword in node.keywords
}


def test_metrics_are_found_in_the_source() -> None:
    assert {"InstancesStored", "RequestsRefused"} < METRICS


@pytest.mark.parametrize(
    "name", [*PARAMETERS, *of_type("AWS::CloudWatch::Alarm"), *sorted(METRICS)]
)
def test_operators_are_told_of(name: str) -> None:
    assert f"`{name}`" in OPERATIONS

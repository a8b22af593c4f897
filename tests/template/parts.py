"""The parts of template.yaml as it is written, intrinsic functions in their long form."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.intrinsics import parse

WRITTEN = (Path(__file__).parents[2] / "template.yaml").read_text()
TEMPLATE: dict[str, Any] = parse(WRITTEN)
PARAMETERS: dict[str, dict[str, Any]] = TEMPLATE["Parameters"]
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
NAMESPACE = {"Fn::Sub": "Stowport/${AWS::StackName}"}
"""Of the metrics of one deployment, so that two in an account do not add up."""

API: dict[str, Any] = RESOURCES["Api"]["Properties"]


def of_type(
    kind: str, resources: Mapping[str, dict[str, Any]] = RESOURCES
) -> dict[str, dict[str, Any]]:
    """The properties of the resources of a type, by logical ID."""
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that ``alarm`` watches, itself or through an expression."""
    if "MetricName" in alarm:
        return [alarm]
    return [each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each]


FUNCTIONS = of_type("AWS::Serverless::Function")

"""The parts of template.yaml as it is written, intrinsic functions in their long form."""

from pathlib import Path
from typing import Any

from local.intrinsics import parse

WRITTEN = (Path(__file__).parents[2] / "template.yaml").read_text()
TEMPLATE: dict[str, Any] = parse(WRITTEN)
PARAMETERS: dict[str, dict[str, Any]] = TEMPLATE["Parameters"]
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
API: dict[str, Any] = RESOURCES["Api"]["Properties"]


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")

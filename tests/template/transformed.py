"""The template as SAM hands it to CloudFormation, and CloudFormation evaluates it."""

import json
import subprocess
from functools import cache
from typing import Any

from local import parameters
from local.intrinsics import Intrinsics
from tests.template.parts import PARAMETERS, WRITTEN

# SAM's own transform is where the SAM CLI is.
PROGRAM = """
import json, sys
from deploy.deployments import transformed

given = json.load(sys.stdin)
json.dump(transformed(given["template"], given["parameters"], given["code"]), sys.stdout)
"""


@cache
def with_snapshots() -> str:
    """Return the template that `make build SNAPSTART=on` builds."""
    return run("deploy/snapstart.py")


@cache
def transformed(template: str, code: str, **values: str) -> dict[str, Any]:
    """Return what SAM makes of ``template`` with ``code`` and these values of parameters."""
    given = {"template": template, "parameters": values, "code": f"s3://bucket/{code}"}
    document: dict[str, Any] = json.loads(run("-c", PROGRAM, given=json.dumps(given)))
    return document


def run(*arguments: str, given: str = "") -> str:
    done = subprocess.run(
        [".sam-venv/bin/python", *arguments],
        input=given,
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def deployed(
    code: str = "code", layer: str = "1", *, snapshots: bool = False, **values: str
) -> dict[str, dict[str, Any]]:
    """Return the resources, by logical ID, that a deployment has; ``layer`` is its version."""
    document = transformed(with_snapshots() if snapshots else WRITTEN, code, **values)
    resources: dict[str, dict[str, Any]] = document["Resources"]
    references = {name: name for name in resources}
    references |= {
        name: f"arn:aws:lambda:us-east-1:123456789012:layer:{name}:{layer}"
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::LayerVersion"
    }
    references |= parameters.values(PARAMETERS, values)
    references |= {f"AWS::{name}": name for name in ("AccountId", "Partition", "Region")}
    references |= {"AWS::StackName": "stowport", "AWS::URLSuffix": "amazonaws.com"}
    intrinsics = Intrinsics(document, references, lambda name, attribute: f"{name}.{attribute}")
    return {
        name: intrinsics.resolve(resource)
        for name, resource in resources.items()
        if "Condition" not in resource or intrinsics.condition(resource["Condition"])
    }

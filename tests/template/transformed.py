"""The template as SAM hands it to CloudFormation, and CloudFormation evaluates it."""

import atexit
import json
import subprocess
from functools import cache
from typing import Any

from local import parameters
from local.intrinsics import Intrinsics
from tests.template.parts import WRITTEN

# SAM's own transform is where the SAM CLI is.
PROGRAM = """
import json, sys
from deploy.deployments import transformed

for line in sys.stdin:
    given = json.loads(line)
    made = transformed(given["template"], given["parameters"], given["code"])
    print(json.dumps(made), flush=True)
"""
PYTHON = ".sam-venv/bin/python"
ENVIRONMENT = {"AWS_DEFAULT_REGION": "us-east-1"}


@cache
def with_overlays(*names: str) -> str:
    """Return the template that `make build` builds with these overlays of `deploy/`."""
    return run("deploy/overlay.py", *names)


def template(*, snapshots: bool, rollout: bool) -> str:
    wanted = {"snapstart": snapshots, "rollout": rollout}
    names = [name for name, on in wanted.items() if on]
    return with_overlays("versions", *names) if names else WRITTEN


@cache
def transformed(template: str, code: str, **values: str) -> dict[str, Any]:
    """Return what SAM makes of ``template`` with ``code`` and these values of parameters."""
    given = {"template": template, "parameters": values, "code": f"s3://bucket/{code}"}
    transformer = _transformer()
    assert transformer.stdin
    assert transformer.stdout
    print(json.dumps(given), file=transformer.stdin, flush=True)
    document: dict[str, Any] = json.loads(transformer.stdout.readline())
    return document


@cache
def _transformer() -> "subprocess.Popen[str]":
    """Start SAM's transform for all tests of this process: to import it takes most of the time."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [PYTHON, "-c", PROGRAM], stdin=pipe, stdout=pipe, env=ENVIRONMENT, text=True
    )
    atexit.register(process.communicate)
    return process


def run(*arguments: str) -> str:
    done = subprocess.run(
        [PYTHON, *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def deployed(
    code: str = "code",
    layer: str = "1",
    *,
    snapshots: object = False,
    rollout: object = False,
    **values: str,
) -> dict[str, dict[str, Any]]:
    """Return the resources, by logical ID, that a deployment has; ``layer`` is its version.

    The two flags are typed so that parameters in a mapping can be given beside them.
    """
    made = template(snapshots=bool(snapshots), rollout=bool(rollout))
    document = transformed(made, code, **values)
    resources: dict[str, dict[str, Any]] = document["Resources"]
    references = {name: name for name in resources}
    references |= {
        name: f"arn:aws:lambda:us-east-1:123456789012:layer:{name}:{layer}"
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::LayerVersion"
    }
    references |= parameters.values(document["Parameters"], values)
    references |= {f"AWS::{name}": name for name in ("AccountId", "Partition", "Region")}
    references |= {"AWS::StackName": "stowport", "AWS::URLSuffix": "amazonaws.com"}
    references["AWS::StackId"] = "arn:aws:cloudformation:Region:AccountId:stack/stowport/51af3dc0"
    intrinsics = Intrinsics(document, references, lambda name, attribute: f"{name}.{attribute}")
    return {
        name: intrinsics.resolve(resource)
        for name, resource in resources.items()
        if "Condition" not in resource or intrinsics.condition(resource["Condition"])
    }

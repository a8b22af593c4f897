"""The example of a pipeline: as far as it can be checked without GitHub and AWS."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.intrinsics import parse

ROOT = Path(__file__).parent.parent
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/deploy.yaml").read_text())
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
DEPLOYING = ("stage", "prod")
ROLES = parse((ROOT / "deploy" / "pipeline.yaml").read_text())
MANUAL = (ROOT / "docs" / "pipeline.md").read_text()
COMMANDS = [
    (name, step["run"]) for name, job in JOBS.items() for step in job["steps"] if "run" in step
]


@cache
def targets() -> set[str]:
    """The targets that `make help` lists: those that people are to use."""
    paths = [ROOT / "Makefile", *(ROOT / "deploy").glob("*.mk")]
    named = r"^([a-z][a-z0-9-]*):.*##"
    return {name for path in paths for name in re.findall(named, path.read_text(), re.MULTILINE)}


def test_it_does_not_run_by_itself() -> None:
    # YAML 1.1 reads the key `on` as true.
    assert set(WORKFLOW[True]) == {"workflow_dispatch"}
    assert JOBS["check"]["if"] == "vars.AWS_REGION != ''"


def test_production_comes_after_the_stage_and_the_stage_after_the_checks() -> None:
    assert [(name, job.get("needs")) for name, job in JOBS.items()] == [
        ("check", None),
        ("stage", "check"),
        ("prod", "stage"),
    ]


@pytest.mark.parametrize(("job", "command"), COMMANDS)
def test_every_target_of_make_in_it_exists(job: str, command: str) -> None:
    assert job
    used = set(re.findall(r"\bmake ([a-z-]+)", command))
    assert used
    assert used <= targets()


@pytest.mark.process
@pytest.mark.parametrize(("job", "command"), COMMANDS)
def test_nothing_is_pasted_into_a_shell(job: str, command: str) -> None:
    """Values come through the environment: GitHub's "Security hardening for GitHub Actions"."""
    assert job
    assert "${{" not in command
    subprocess.run(["bash", "-n", "-c", command], check=True)


@pytest.mark.parametrize("job", DEPLOYING)
def test_a_deployment_is_stored_into_before_it_is_promoted(job: str) -> None:
    runs = [step["run"] for step in JOBS[job]["steps"] if "run" in step]
    assert runs[0].startswith("make deploy ")
    assert "make smoke " in runs[-1]
    configured = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert JOBS[job]["environment"] == job
    assert "deploy" in configured[job]


def test_only_deployments_get_a_role_and_nobody_has_keys() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    for name, job in JOBS.items():
        asked = job.get("permissions", {})
        assert (asked.get("id-token") == "write") == (name in DEPLOYING)
    text = (ROOT / ".github/workflows/deploy.yaml").read_text()
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"CLIENT_SECRET"}


def test_the_manual_names_every_variable_and_secret() -> None:
    text = (ROOT / ".github/workflows/deploy.yaml").read_text()
    names = set(re.findall(r"(?:vars|secrets)\.(\w+)", text))
    assert names == set(re.findall(r"^\| `(\w+)`", MANUAL, re.MULTILINE))


def test_one_repository_and_one_environment_may_take_the_role() -> None:
    role = ROLES["Resources"]["DeployRole"]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": {
                "Fn::Sub": "repo:${Repository}:environment:${Environment}"
            },
        }
    }
    for name in ("Repository", "Environment"):
        pattern = ROLES["Parameters"][name]["AllowedPattern"]
        assert not re.fullmatch(pattern, "owner/*")
        assert not re.fullmatch(pattern, "*")


def test_the_role_may_change_no_role_but_those_of_its_stack() -> None:
    policies = {
        name: role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        for name, role in ROLES["Resources"].items()
        if role["Type"] == "AWS::IAM::Role"
    }
    (roles,) = policies["CloudFormationRole"]
    assert roles["Resource"] == {
        "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${StackName}-*"
    }
    of_iam = [each for each in policies["DeployRole"] if "iam" in str(each["Action"])]
    passed = {"Fn::GetAtt": "CloudFormationRole.Arn"}
    assert [(each["Action"], each["Resource"]) for each in of_iam] == [("iam:PassRole", passed)]


@pytest.mark.process
def test_the_roles_are_linted() -> None:
    done = subprocess.run(
        [ROOT / ".sam-venv/bin/cfn-lint", ROOT / "deploy" / "pipeline.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout

"""What CloudFormation is given, whatever the conditions of the template decide."""

from pathlib import Path
from typing import Any

import pytest

from tests.template.bucket_policy import POLICY
from tests.template.parts import PARAMETERS, TEMPLATE, WRITTEN
from tests.template.transformed import deployed, run, transformed

pytestmark = pytest.mark.process

OIDC = {"OidcIssuer": "https://login.example.org", "OidcAudience": "stowport"}

BUCKET_OF_A_CONDITION = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Kept: {Type: String, AllowedValues: ["yes", "no"], Default: "yes"}
  Named: {Type: String, AllowedValues: [a, b], Default: a}
Conditions:
  IsKept: !Equals [!Ref Kept, "yes"]
  IsNamed: !Equals [!Ref Named, a]
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Condition: IsKept
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !If [IsNamed, a-queue, !Ref AWS::NoValue]
"""


def linted(template: str, folder: Path) -> tuple[list[str], str]:
    """Return what is found, line by line, and the line that sums it up."""
    path = folder / "template.yaml"
    path.write_text(template)
    program = "import sys; from deploy import deployments; deployments.main(sys.argv[1:])"
    *found, total = run("-c", program, str(path)).splitlines()
    return [line.removeprefix(str(path)).strip() for line in found], total


def test_nothing_is_found_in_a_template_that_can_be_deployed(tmp_path: Path) -> None:
    found, total = linted(BUCKET_OF_A_CONDITION, tmp_path)
    assert (found, total) == ([], "4 combinations, 2 deployments linted: 0 findings")


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ("    DependsOn: Topic\n", "E3005"),
        ("    Metadata: {Topic: !Ref Topic}\n", "E1020"),
    ],
)
def test_what_needs_a_resource_that_is_not_there_is_found(
    tmp_path: Path, broken: str, rule: str
) -> None:
    written = BUCKET_OF_A_CONDITION.replace("AWS::SQS::Queue\n", f"AWS::SQS::Queue\n{broken}")
    found, total = linted(written, tmp_path)
    assert total.endswith("4 deployments linted: 2 findings")
    assert [line.partition(":")[0] for line in found] == ["Kept=no Named=a", "Kept=no Named=b"]
    assert all(f": {rule} 'Topic' is not one of" in line for line in found)


THREE_CONDITIONS = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  One: {Type: String, AllowedValues: ["yes", "no"], Default: "yes"}
  Two: {Type: String, AllowedValues: ["yes", "no"], Default: "yes"}
  Three: {Type: String, AllowedValues: ["yes", "no"], Default: "yes"}
Conditions:
  HasOne: !Equals [!Ref One, "yes"]
  HasTwo: !Equals [!Ref Two, "yes"]
  HasThree: !Equals [!Ref Three, "yes"]
Resources:
  Always: {Type: AWS::SNS::Topic}
  TopicOne: {Type: AWS::SNS::Topic, Condition: HasOne}
  TopicTwo: {Type: AWS::SNS::Topic, Condition: HasTwo}
  TopicThree: {Type: AWS::SNS::Topic, Condition: HasThree}
"""


ONE_OF_TWO_CONDITIONS = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  One: {Type: String, AllowedValues: ["yes", "no"], Default: "yes"}
  Two: {Type: String, AllowedValues: ["yes", "no"], Default: "yes"}
Conditions:
  HasOne: !Equals [!Ref One, "yes"]
  HasTwo: !Equals [!Ref Two, "yes"]
Resources:
  Always: {Type: AWS::SNS::Topic, Metadata: {Two: !If [HasTwo, 1, 1]}}
  TopicOne: {Type: AWS::SNS::Topic, Condition: HasOne}
"""


def test_not_all_deployments_are_linted(tmp_path: Path) -> None:
    found, total = linted(ONE_OF_TWO_CONDITIONS, tmp_path)
    assert (found, total) == ([], "4 combinations, 2 deployments linted: 0 findings")


def test_what_is_wrong_between_two_resources_is_found_all_the_same(tmp_path: Path) -> None:
    here = "TopicThree: {"
    found, total = linted(THREE_CONDITIONS.replace(here, f"{here}DependsOn: TopicOne, "), tmp_path)
    assert total.startswith("4 combinations, 4 deployments linted: ")
    assert found
    for line in found:
        assert {"One=no", "Three=yes"} <= set(line.partition(":")[0].split())
        assert "E3005 'TopicOne' is not one of" in line


def depends(resource: dict[str, Any]) -> list[str]:
    named = resource.get("DependsOn", [])
    return [named] if isinstance(named, str) else named


@pytest.mark.parametrize("rollout", [False, True])
@pytest.mark.parametrize("snapshots", [False, True])
@pytest.mark.parametrize("choice", PARAMETERS["ApiGatewayLogRole"]["AllowedValues"])
def test_everything_that_is_waited_for_is_deployed(
    choice: str, snapshots: bool, rollout: bool
) -> None:
    resources = deployed(snapshots=snapshots, rollout=rollout, ApiGatewayLogRole=choice, **OIDC)
    assert "Api" in resources
    assert ("ApiGatewayAccount" in resources) == (choice == "create")
    for resource in resources.values():
        assert set(depends(resource)) <= set(resources)


def test_the_api_waits_for_the_role_that_its_log_is_written_with() -> None:
    # Whatever refers to a resource is made after it.
    api = TEMPLATE["Resources"]["Api"]["Properties"]
    condition, waits, otherwise = api["Description"]["Fn::If"]
    assert condition == TEMPLATE["Resources"]["ApiGatewayAccount"]["Condition"]
    assert "${ApiGatewayAccount}" in waits["Fn::Sub"]
    assert otherwise == "STOW-RS"
    stage = transformed(WRITTEN, "code", **OIDC)["Resources"]["ApiStage"]
    assert stage["Properties"]["RestApiId"] == {"Ref": "Api"}


def test_the_policy_of_the_bucket_is_deployed_as_it_is_evaluated_in_the_tests() -> None:
    resources = deployed(**OIDC)
    policy = resources["ArchiveBucketPolicy"]["Properties"]["PolicyDocument"]
    assert [each["Condition"] for each in policy["Statement"]] == [
        each["Condition"] for each in POLICY["Statement"]
    ]
    assert policy["Statement"][1]["Resource"] == "ArchiveBucket.Arn/studies/*"
    assert policy["Statement"][1]["Action"] == "s3:PutObject"

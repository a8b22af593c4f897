"""The template of the hosted relay, made a stack of in MiniStack."""

import json
import time
from typing import Any

import boto3

from local.intrinsics import parse
from tests.emulated.stack import ROOT, NotDeployed

TEMPLATE = ROOT / "deploy" / "relay.yaml"
NOT_IN_THE_EMULATOR = (
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
)
CloudFormation = Any
"""A client of CloudFormation, whose types are not installed."""
_SECONDS = 60
_ACCOUNT = "us-east-1:123456789012"


def parameters(vpc: str, subnets: str) -> dict[str, str]:
    """Return a value for each parameter that has no default, and for those of tokens."""
    return {
        "ServiceUrl": "https://abc123.execute-api.us-east-1.amazonaws.com/dicomweb",
        "TokenUrl": "https://login.example.org/token",
        "ClientId": "relay",
        "ClientSecretArn": f"arn:aws:secretsmanager:{_ACCOUNT}:secret:relay-AbCdEf",
        "AllowedRange": "192.0.2.0/24",
        "CertificateArn": f"arn:aws:acm:{_ACCOUNT}:certificate/1234abcd",
        "DomainName": "relay.example.org",
        "VpcId": vpc,
        "LoadBalancerSubnetIds": subnets,
        "TaskSubnetIds": subnets,
        "Image": "registry.example.org/stowport:0.1.0",
    }


def deploy() -> None:
    """Make the stack without what the emulator does not have; raises NotDeployed."""
    cloudformation, ec2 = boto3.client("cloudformation"), boto3.client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = ",".join(each["SubnetId"] for each in ec2.describe_subnets()["Subnets"][:2])
    cloudformation.create_stack(
        StackName="relay",
        TemplateBody=json.dumps(_without(parse(TEMPLATE.read_text("utf-8")))),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in parameters(vpc, subnets).items()
        ],
    )
    status = _ended(cloudformation)
    if status != "CREATE_COMPLETE":
        raise NotDeployed(f"found {status}: {_reasons(cloudformation)}")


def _without(document: dict[str, Any]) -> dict[str, Any]:
    resources = document["Resources"]
    for name in [each for each in resources if resources[each]["Type"] in NOT_IN_THE_EMULATOR]:
        del resources[name]
    # The emulator takes text for text where a parameter is a number.
    resources["Service"]["Properties"]["DesiredCount"] = 2
    return document


def _ended(cloudformation: CloudFormation) -> str:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        stack = cloudformation.describe_stacks(StackName="relay")["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            break
        time.sleep(0.2)
    return str(stack["StackStatus"])


def _reasons(cloudformation: CloudFormation) -> str:
    events = cloudformation.describe_stack_events(StackName="relay")["StackEvents"]
    failed = [each for each in events if each["ResourceStatus"].endswith("_FAILED")]
    return "; ".join(
        f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}" for each in failed
    )

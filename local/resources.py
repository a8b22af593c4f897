"""Create the resources of S3, DynamoDB, SQS, EventBridge and CloudWatch Logs of the template."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from local.template import REGION, Template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

_CREATE_TABLE = {
    "AttributeDefinitions",
    "KeySchema",
    "GlobalSecondaryIndexes",
    "BillingMode",
    "StreamSpecification",
}
_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2})


def create(template: Template) -> None:
    """Create bucket, tables, queues, rules and audit trail, unless they are there.

    Raises botocore's errors.
    """
    s3 = boto3.client("s3", REGION, config=_CONFIG)
    for name, properties in template.resources("AWS::S3::Bucket").items():
        _create_bucket(s3, name, properties)
    dynamodb = boto3.client("dynamodb", config=_CONFIG)
    for name, properties in template.resources("AWS::DynamoDB::Table").items():
        _create_table(dynamodb, name, properties)
    _create_queues(template.resources("AWS::SQS::Queue"))
    _create_rules(template.resources("AWS::Events::Rule"))
    if template.audit_trail:  # what functions print is in a file
        _create_log_group(template.audit_trail)


def _create_bucket(s3: "S3Client", name: str, properties: Mapping[str, Any]) -> None:
    try:
        s3.create_bucket(Bucket=name)
    except s3.exceptions.BucketAlreadyOwnedByYou:
        return
    if "VersioningConfiguration" in properties:
        versioning = properties["VersioningConfiguration"]
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
    notification = properties.get("NotificationConfiguration", {})
    if notification.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled"):
        s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )


def _create_table(dynamodb: "DynamoDBClient", name: str, properties: Mapping[str, Any]) -> None:
    definition: dict[str, Any] = {key: properties[key] for key in _CREATE_TABLE & set(properties)}
    if "StreamSpecification" in definition:
        definition["StreamSpecification"] = {
            "StreamEnabled": True,  # which CloudFormation adds
            **definition["StreamSpecification"],
        }
    try:
        dynamodb.create_table(TableName=name, **definition)
    except dynamodb.exceptions.ResourceInUseException:
        return
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    if "TimeToLiveSpecification" in properties:
        dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"]
        )


def _create_queues(queues: Mapping[str, Mapping[str, Any]]) -> None:
    # In the region of the template's ARNs, by which queues and rules name queues.
    sqs = boto3.client("sqs", REGION, config=_CONFIG)
    # A queue must exist before another's redrive policy names it.
    for name in sorted(queues, key=lambda name: _queues_behind(name, queues)):
        attributes = {key: _attribute(value) for key, value in queues[name].items()}
        sqs.create_queue(QueueName=name, Attributes=attributes)


def _queues_behind(name: str, queues: Mapping[str, Mapping[str, Any]]) -> int:
    """Return how many queues a message of the queue ``name`` may still be moved to."""
    if "RedrivePolicy" not in queues[name]:
        return 0
    behind = queues[name]["RedrivePolicy"]["deadLetterTargetArn"].rpartition(":")[2]
    return 1 + _queues_behind(behind, queues)


def _attribute(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _create_rules(rules: Mapping[str, Mapping[str, Any]]) -> None:
    events = boto3.client("events", REGION, config=_CONFIG)
    for name, properties in rules.items():
        events.put_rule(Name=name, EventPattern=json.dumps(properties["EventPattern"]))
        events.put_targets(Rule=name, Targets=properties["Targets"])


def _create_log_group(name: str) -> None:
    logs = boto3.client("logs", config=_CONFIG)
    with suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=name)

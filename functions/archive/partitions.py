"""The partitions of the index: all items of a study, and of all studies."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from boto3.session import Session

from archive.clients import dynamodb_client
from archive.items import Item
from archive.storedinstances import INSTANCES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef


class Partitions:
    """The table of study, series and instance items, read by study. Raises botocore's errors."""

    def __init__(self, table: str, session: Session | None = None) -> None:
        self._table = table
        self._dynamodb = dynamodb_client(session or Session())

    def item(self, study_instance_uid: str, resource: str) -> Item:
        """Return one item of a study, empty if it is not there, by a consistent read."""
        answer = self._dynamodb.get_item(
            TableName=self._table,
            Key={"StudyInstanceUID": {"S": study_instance_uid}, "Resource": {"S": resource}},
            ConsistentRead=True,
        )
        return answer.get("Item", {})

    def items(self, study_instance_uid: str, below: str = "") -> Iterator[Item]:
        """Yield the items of a study whose ``Resource`` begins with ``below``, in its order.

        That is instances, series, study. The query is consistent.
        """
        request: QueryInputTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": "StudyInstanceUID = :study",
            "ExpressionAttributeValues": {":study": {"S": study_instance_uid}},
            "ConsistentRead": True,
        }
        if below:
            request["KeyConditionExpression"] += " AND begins_with(#resource, :below)"
            request["ExpressionAttributeNames"] = {"#resource": "Resource"}
            request["ExpressionAttributeValues"] = {
                ":study": {"S": study_instance_uid},
                ":below": {"S": below},
            }
        while True:
            answer = self._dynamodb.query(**request)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def study(self, study_instance_uid: str) -> Item:
        """Return the item of a study, empty if there is none, by a consistent read."""
        return self.item(study_instance_uid, "study")

    def instances_since(self, stored: str) -> Iterator[Item]:
        """Yield the items of instances that were stored at ``stored`` (ISO 8601) or later.

        The whole table is read for it, and a study's items come together.
        """
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="begins_with(#resource, :instances) AND #stored >= :stored",
            ExpressionAttributeNames={"#resource": "Resource", "#stored": "Stored"},
            ExpressionAttributeValues={":instances": {"S": INSTANCES}, ":stored": {"S": stored}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]

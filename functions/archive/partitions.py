"""The partitions of the index: all items of a study, and of all studies."""

from collections.abc import Iterator

from boto3.session import Session

from archive.clients import dynamodb_client
from archive.items import Item


class Partitions:
    """The table of study, series and instance items, read by study. Raises botocore's errors."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._dynamodb = dynamodb_client(Session())

    def items(self, study_instance_uid: str) -> Iterator[Item]:
        """Yield the items of a study, by one consistent query: instances, series, study."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="StudyInstanceUID = :study",
            ExpressionAttributeValues={":study": {"S": study_instance_uid}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]

    def study(self, study_instance_uid: str) -> Item:
        """Return the item of a study, empty if there is none, by a consistent read."""
        key = {"StudyInstanceUID": {"S": study_instance_uid}, "Resource": {"S": "study"}}
        answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return answer.get("Item", {})

    def instances_since(self, stored: str) -> Iterator[Item]:
        """Yield the items of instances that were stored at ``stored`` (ISO 8601) or later.

        The whole table is read for it, and a study's items come together.
        """
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="begins_with(#resource, :instances) AND #stored >= :stored",
            ExpressionAttributeNames={"#resource": "Resource", "#stored": "Stored"},
            ExpressionAttributeValues={":instances": {"S": "instances/"}, ":stored": {"S": stored}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]

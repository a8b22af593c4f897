"""The partitions of the index: all items of a study, and of all studies."""

from collections.abc import Iterator, Sequence
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

    def items(  # noqa: PLR0913 - how much is read, by keyword
        self,
        study_instance_uid: str,
        below: str = "",
        *,
        skip: int = 0,
        page: int | None = None,
        only: Sequence[str] = (),
        backwards: bool = False,
    ) -> Iterator[Item]:
        """Yield the items of a study whose ``Resource`` begins with ``below``, in its order.

        That is instances, series, study, or ``backwards``. The queries are consistent, and none is
        made for items that the caller does not come to. The first ``skip`` items are counted by
        DynamoDB and not sent. ``page`` is how many items a query asks for, and ``only`` which
        attributes, if the caller knows.
        """
        request = self._request(study_instance_uid, below, only)
        if backwards:
            request["ScanIndexForward"] = False
        while skip:
            counting: QueryInputTypeDef = {**request, "Select": "COUNT", "Limit": skip}
            answer = self._dynamodb.query(**counting)
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
            skip -= answer["Count"]
        if page:
            request["Limit"] = page
        while True:
            answer = self._dynamodb.query(**request)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _request(
        self, study_instance_uid: str, below: str, only: Sequence[str]
    ) -> "QueryInputTypeDef":
        condition = "StudyInstanceUID = :study"
        values: Item = {":study": {"S": study_instance_uid}}
        names = {f"#{name}": name for name in only}
        if below:
            condition += " AND begins_with(#Resource, :below)"
            values[":below"] = {"S": below}
            names["#Resource"] = "Resource"
        request: QueryInputTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ConsistentRead": True,
        }
        if names:
            request["ExpressionAttributeNames"] = names
        if only:
            request["ProjectionExpression"] = ", ".join(f"#{name}" for name in only)
        return request

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

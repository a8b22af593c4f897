"""How many uploads of each sender are pending: an item for each sender in the table of uploads.

::

    Upload      pending/{SHA-256 of the principal, hex}, which is the id of no upload
    Pending     how many uploads are pending
    Until{n}    how many of them are pending until the end of the n-th hour since 1970 at most
    Expires     the TTL: the end of the last of these hours

An upload is counted from its offer until it is done or failed. Whatever dies in between, it no
longer counts after its hour. Each write is one atomic addition on a condition, so the limit holds
however many uploads are announced at the same time.
"""

import hashlib
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from archive.conditions import in_the_way
from archive.errors import CALL_FAILED
from archive.items import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SECONDS = 3600
_UNTIL = "Until"


def hour(moment: int) -> int:
    """Return the number of the hour in which ``moment`` is, in seconds since 1970."""
    return moment // _SECONDS


class PendingUploads:
    """The numbers of pending uploads in ``table``."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient") -> None:
        self._table = table
        self._dynamodb = dynamodb

    def add(self, principal: str, until: int, most: int) -> bool:
        """Count an upload that is pending until the end of the hour ``until`` at most.

        Returns False, and counts nothing, if ``most`` uploads of ``principal`` are pending.
        Raises botocore's errors.
        """
        while True:
            added, item = self._add(principal, until, most)
            over = _over(item)
            for ended, number in over.items():
                self._forget(principal, ended, number)
            if added or not over:
                return added

    def remove(self, principal: str, until: int) -> None:
        """Count an upload no longer. If the table does not answer, its hour ends the count."""
        values: Item = {":minus": {"N": "-1"}, ":zero": {"N": "0"}}
        expression = "ADD Pending :minus, #hour :minus"
        with suppress(*CALL_FAILED):
            self._update(principal, until, expression, "#hour > :zero", values)

    def _add(self, principal: str, until: int, most: int) -> tuple[bool, Item]:
        """Try to count an upload; return whether it is counted, and the item."""
        values: Item = {
            ":one": {"N": "1"},
            ":most": {"N": str(most)},
            ":expires": {"N": str((until + 1) * _SECONDS)},
        }
        expression = "SET Expires = :expires ADD Pending :one, #hour :one"
        condition = "attribute_not_exists(Pending) OR Pending < :most"
        try:
            return True, self._update(principal, until, expression, condition, values)
        except ClientError as error:
            return False, in_the_way(error)

    def _forget(self, principal: str, ended: int, number: int) -> None:
        """Take out the ``number`` of an hour that is over, unless another request just did."""
        values: Item = {":number": {"N": str(number)}, ":minus": {"N": str(-number)}}
        try:
            expression = "REMOVE #hour ADD Pending :minus"
            self._update(principal, ended, expression, "#hour = :number", values)
        except ClientError as error:
            in_the_way(error)

    def _update(
        self, principal: str, until: int, expression: str, condition: str, values: Item
    ) -> Item:
        digest = hashlib.sha256(principal.encode()).hexdigest()
        answer = self._dynamodb.update_item(
            TableName=self._table,
            Key={"Upload": {"S": f"pending/{digest}"}},
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeNames={"#hour": f"{_UNTIL}{until}"},
            ExpressionAttributeValues=values,
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return answer["Attributes"]


def _over(item: Item) -> dict[int, int]:
    """Return the hours in ``item`` that are over, and how many uploads are counted in each."""
    now = hour(int(time.time()))
    counted = {
        int(name.removeprefix(_UNTIL)): int(value["N"])
        for name, value in item.items()
        if name.startswith(_UNTIL)
    }
    return {until: number for until, number in counted.items() if until < now}

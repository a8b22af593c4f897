"""The index: the DynamoDB table that says what is stored, and its three calls.

``archive.items`` has the layout. A read sees every write that was confirmed before it. Every
write may be repeated, and senders that race leave what one of them alone would have left.

All of them raise ArchiveError (A700) at a deadline, and botocore's errors.
"""

from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from archive.clients import dynamodb_client
from archive.errors import error_code
from archive.items import ItemKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from botocore.session import Session
    from mypy_boto3_dynamodb.type_defs import KeysAndAttributesUnionTypeDef

    from archive.deadline import Deadline
    from archive.items import Item

_KEYS_A_CALL = 100


class Index:
    """The table of study, series and instance items."""

    def __init__(self, table: str, session: "Session") -> None:
        self._table = table
        self._dynamodb = dynamodb_client(session)

    def read(self, keys: "Sequence[ItemKey]", deadline: "Deadline") -> "dict[ItemKey, Item]":
        """Return the items under those of the distinct ``keys`` that have one."""
        return {
            ItemKey(item["StudyInstanceUID"]["S"], item["Resource"]["S"]): item
            for start in range(0, len(keys), _KEYS_A_CALL)
            for item in self._read(keys[start : start + _KEYS_A_CALL], deadline)
        }

    def _read(self, keys: "Sequence[ItemKey]", deadline: "Deadline") -> "Iterator[Item]":
        unread: Mapping[str, KeysAndAttributesUnionTypeDef]
        unread = {self._table: {"Keys": [key.item() for key in keys], "ConsistentRead": True}}
        attempt = 0
        while True:
            deadline.check()
            answer = self._dynamodb.batch_get_item(RequestItems=unread)
            yield from answer["Responses"].get(self._table, [])
            unread = answer["UnprocessedKeys"]
            if not unread:
                return
            deadline.pause(attempt)
            attempt += 1

    def add(self, key: ItemKey, values: "Item") -> None:
        """Add ``values``, at least one, to the item under ``key``, which is made if need be.

        A value that is there by now stays, and a set gains the members that it lacks.
        """
        firsts, members = [], []
        for number, value in enumerate(values.values()):
            if "SS" in value:
                members.append(f"#{number} :{number}")
            else:
                firsts.append(f"#{number} = if_not_exists(#{number}, :{number})")
        clauses = {"SET": firsts, "ADD": members}
        self._dynamodb.update_item(
            TableName=self._table,
            Key=key.item(),
            UpdateExpression=" ".join(
                f"{verb} {', '.join(actions)}" for verb, actions in clauses.items() if actions
            ),
            ExpressionAttributeNames={f"#{n}": keyword for n, keyword in enumerate(values)},
            ExpressionAttributeValues={f":{n}": value for n, value in enumerate(values.values())},
        )

    def commit(self, key: ItemKey, values: "Item", *, over: str) -> str | None:
        """Write the instance item, unless one with another SHA256 than ``over`` is there.

        Returns None when it is written, else the SHA256 of the item that is there.
        """
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={**key.item(), **values},
                ConditionExpression="attribute_not_exists(SHA256) OR SHA256 = :over",
                ExpressionAttributeValues={":over": {"S": over}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            return cast("dict[str, Item]", error.response)["Item"]["SHA256"]["S"]
        return None

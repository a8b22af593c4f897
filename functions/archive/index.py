"""The index: the DynamoDB table that says what is stored, and its four calls.

``archive.items`` has the layout. A read sees every write that was confirmed before it. Every
write may be repeated, and after a race the result is as if one of the senders had been alone.

All calls raise ArchiveError (A700) at a deadline, and botocore's errors.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from boto3.session import Session
from botocore.exceptions import ClientError

from archive.clients import dynamodb_client
from archive.conditions import in_the_way
from archive.deadline import Deadline
from archive.errors import CALL_FAILED
from archive.items import MOST_MEMBERS, VERSION_ATTRIBUTES, Item, ItemKey, replacement

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import (
        BatchStatementRequestTypeDef,
        KeysAndAttributesUnionTypeDef,
        PutItemInputTypeDef,
        UpdateItemInputTypeDef,
    )

_KEYS_A_READ = 100
_ITEMS_AN_INSERT = 25


class Index:
    """The table of study, series and instance items."""

    def __init__(self, table: str, session: Session) -> None:
        self._table = table
        self._dynamodb = dynamodb_client(session)

    def read(self, keys: Sequence[ItemKey], deadline: Deadline) -> dict[ItemKey, Item]:
        """Return the existing items under the distinct ``keys``."""
        return {
            ItemKey(item["StudyInstanceUID"]["S"], item["Resource"]["S"]): item
            for start in range(0, len(keys), _KEYS_A_READ)
            for item in self._read(keys[start : start + _KEYS_A_READ], deadline)
        }

    def _read(self, keys: Sequence[ItemKey], deadline: Deadline) -> Iterator[Item]:
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

    def add(self, key: ItemKey, values: Item, *, unless: Sequence[str] = ()) -> Item | None:
        """Add ``values``, at least one, to the item under ``key``, which is created if necessary.

        A value that is already there stays, and a set gains the members that it lacks. If the item
        has any of the attributes ``unless``, or a set might get more than ``MOST_MEMBERS``, nothing
        is added, and the item is returned.
        """
        firsts, members, rooms = [], [], {}
        conditions = [f"attribute_not_exists({keyword})" for keyword in unless]
        for number, value in enumerate(values.values()):
            if "SS" in value:
                members.append(f"#{number} :{number}")
                conditions.append(
                    f"(attribute_not_exists(#{number}) OR size(#{number}) <= :room{number})"
                )
                rooms[f":room{number}"] = {"N": str(MOST_MEMBERS - len(value["SS"]))}
            else:
                firsts.append(f"#{number} = if_not_exists(#{number}, :{number})")
        clauses = {"SET": firsts, "ADD": members}
        request: UpdateItemInputTypeDef = {
            "TableName": self._table,
            "Key": key.item(),
            "UpdateExpression": " ".join(
                f"{verb} {', '.join(actions)}" for verb, actions in clauses.items() if actions
            ),
            "ExpressionAttributeNames": {f"#{n}": keyword for n, keyword in enumerate(values)},
            "ExpressionAttributeValues": {
                **{f":{n}": value for n, value in enumerate(values.values())},
                **rooms,
            },
        }
        if conditions:
            request["ConditionExpression"] = " AND ".join(conditions)
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        try:
            self._dynamodb.update_item(**request)
        except ClientError as error:
            return in_the_way(error)
        return None

    def insert(self, items: Mapping[ItemKey, Item], deadline: Deadline) -> set[ItemKey]:
        """Write those of ``items`` whose keys have no item yet, 25 in each call.

        Returns the keys of those that were written. Why another was not written, only a call for
        it alone can tell: it may exist by now, or DynamoDB may have refused it, or the whole call.
        """
        keys = list(items)
        written: set[ItemKey] = set()
        for start in range(0, len(keys), _ITEMS_AN_INSERT):
            deadline.check()
            with suppress(*CALL_FAILED):
                written |= self._insert(
                    {key: items[key] for key in keys[start : start + _ITEMS_AN_INSERT]}
                )
        return written

    def _insert(self, items: Mapping[ItemKey, Item]) -> set[ItemKey]:
        statements: list[BatchStatementRequestTypeDef] = []
        for key, values in items.items():
            item = {**key.item(), **values}
            statement = _insert_statement(self._table, tuple(item))
            statements.append({"Statement": statement, "Parameters": list(item.values())})
        answer = self._dynamodb.batch_execute_statement(Statements=statements)
        results = zip(items, answer["Responses"], strict=True)
        return {key for key, result in results if "Error" not in result}

    def commit(self, key: ItemKey, values: Item, *, over: Item) -> Item:
        """Write the instance item if the item that is there is ``over`` (empty: if there is none).

        Returns the item that is there afterwards: the one written or the one in the way, or an
        empty one if ``over`` is gone.
        """
        item = replacement(values, over)
        present = [name for name in VERSION_ATTRIBUTES if name in over]
        absent = [name for name in VERSION_ATTRIBUTES if name not in over]
        condition = [f"#{name} = :{name}" for name in present]
        condition += [f"attribute_not_exists(#{name})" for name in absent]
        request: PutItemInputTypeDef = {
            "TableName": self._table,
            "Item": {**key.item(), **item},
            "ConditionExpression": " AND ".join(condition),
            "ExpressionAttributeNames": {f"#{name}": name for name in VERSION_ATTRIBUTES},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if present:  # DynamoDB refuses an empty set of values
            request["ExpressionAttributeValues"] = {f":{name}": over[name] for name in present}
        try:
            self._dynamodb.put_item(**request)
        except ClientError as error:
            return in_the_way(error)
        return item


@lru_cache(256)
def _insert_statement(table: str, keywords: tuple[str, ...]) -> str:
    """Return the PartiQL statement that inserts an item with the attributes ``keywords``."""
    attributes = ", ".join(f"'{keyword}': ?" for keyword in keywords)
    return f'INSERT INTO "{table}" VALUE {{{attributes}}}'

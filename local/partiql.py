"""moto's DynamoDB with the INSERT statements of a BatchExecuteStatement.

moto (5.2.5) fails on a batch's INSERT that has parameters, and reads all items of all tables for
each statement that it does understand.
"""

import re
from collections.abc import Sequence
from typing import Any

# The function with which moto runs a statement; a missing statement can only be added there.
from moto.dynamodb.models import DynamoDBBackend

_INSERT = re.compile(r'INSERT INTO "([^"]+)" VALUE \{(.+)\}')
_ATTRIBUTE = re.compile(r"'([^']+)': \?")

_execute = DynamoDBBackend.batch_execute_statement


def insert_in_batches() -> None:
    """Make moto's DynamoDB execute batches of INSERT statements, as DynamoDB does."""
    backend: Any = DynamoDBBackend
    backend.batch_execute_statement = _batch_execute_statement


def _batch_execute_statement(
    backend: DynamoDBBackend, statements: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    inserts = [_INSERT.fullmatch(each["Statement"]) for each in statements]
    if not all(inserts):
        return _execute(backend, list(statements))
    return [
        _insert(
            backend,
            insert[1],
            dict(zip(_ATTRIBUTE.findall(insert[2]), each["Parameters"], strict=True)),
        )
        for insert, each in zip(inserts, statements, strict=True)
        if insert
    ]


def _insert(backend: DynamoDBBackend, table: str, item: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"TableName": table}
    if backend.get_item(
        table, {name: item[name] for name in backend.get_table(table).table_key_attrs}
    ):
        text = "Duplicate primary key exists in table"
        answer["Error"] = {"Code": "DuplicateItem", "Message": text}
    else:
        backend.put_item(table, item)
    return answer

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.dynamodb.models import DynamoDBBackend

from local import partiql
from tests.archive.deployment import create_index

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "Index"


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> "Iterator[DynamoDBClient]":
    monkeypatch.setattr(
        DynamoDBBackend, "batch_execute_statement", DynamoDBBackend.batch_execute_statement
    )
    partiql.insert_in_batches()
    with mock_aws():
        client = boto3.client("dynamodb")
        create_index(client, TABLE)
        yield client


def item(resource: str, **attributes: object) -> dict[str, Any]:
    return {"StudyInstanceUID": {"S": "1.2"}, "Resource": {"S": resource}, **attributes}


def insert(client: "DynamoDBClient", *items: dict[str, Any]) -> list[Any]:
    statements: list[Any] = []
    for each in items:
        attributes = ", ".join(f"'{name}': ?" for name in each)
        text = f'INSERT INTO "{TABLE}" VALUE {{{attributes}}}'
        statements.append({"Statement": text, "Parameters": list(each.values())})
    return list(client.batch_execute_statement(Statements=statements)["Responses"])


def items(client: "DynamoDBClient") -> list[dict[str, Any]]:
    return [dict(each) for each in client.scan(TableName=TABLE)["Items"]]


def test_a_batch_inserts_items_with_all_their_attributes(dynamodb: "DynamoDBClient") -> None:
    study = item("study", Modalities={"SS": ["CT", "MR"]})
    series = item("series/1", Text={"S": "it's ? \" {"}, Nested={"L": [{"M": {"A": {"N": "5"}}}]})

    assert insert(dynamodb, study, series) == [{"TableName": TABLE}] * 2

    assert items(dynamodb) == [series, study]


def test_an_item_that_is_there_stays_and_the_others_are_inserted(
    dynamodb: "DynamoDBClient",
) -> None:
    first, again, second = item("1", A={"S": "a"}), item("1", A={"S": "b"}), item("2")
    insert(dynamodb, first)

    answered = insert(dynamodb, again, second)

    assert [each.get("Error", {}).get("Code") for each in answered] == ["DuplicateItem", None]
    assert items(dynamodb) == [first, second]


def test_other_statements_are_left_to_moto(dynamodb: "DynamoDBClient") -> None:
    insert(dynamodb, item("1"), item("2"))

    text = f"DELETE FROM {TABLE} WHERE StudyInstanceUID='1.2' AND Resource='1'"
    dynamodb.batch_execute_statement(Statements=[{"Statement": text}])

    assert items(dynamodb) == [item("2")]


def test_a_table_that_is_not_there_is_an_error(dynamodb: "DynamoDBClient") -> None:
    dynamodb.delete_table(TableName=TABLE)

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        insert(dynamodb, item("1"))

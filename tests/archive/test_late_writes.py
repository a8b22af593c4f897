"""Writes that reach DynamoDB after another attempt has done their work: late, or once more."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError, ConnectionClosedError

from archive.entries import DuplicatePolicy
from archive.objects import key_of
from tests.archive.deployment import COMMIT, INSERT, TABLE, Deployment, Sender, instance, refusal

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RESOURCE = "instances/1.2.1/1.2.1.1"


class Delayed:
    """A hook on before-send that loses the first request on its way, and delivers it later."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def __call__(self, request: AWSPreparedRequest, **_: object) -> None:
        if not self.requests:
            body: Any = request.body
            self.requests.append(json.loads(body))
            raise ConnectionClosedError(endpoint_url=request.url)

    def deliver(self, dynamodb: "DynamoDBClient") -> str:
        """Let DynamoDB have the request; return the code of its answer."""
        try:
            dynamodb.put_item(**self.requests[0])
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "written"


@pytest.fixture
def one(deployment: Deployment) -> Sender:
    assert deployment.items() == {}
    return Sender(DuplicatePolicy.REPLACE)


@pytest.fixture
def other(deployment: Deployment) -> Sender:
    assert deployment.items() == {}
    return Sender(DuplicatePolicy.REPLACE)


def sends(sender: Sender, content: bytes) -> None:
    assert sender.outcomes(instance(1, content)) == ["stored"]


def current(deployment: Deployment) -> bytes:
    return deployment.objects()[key_of(deployment.items()[RESOURCE])]


@pytest.mark.parametrize("later", [[b"C"], [b"A"], [b"C", b"A"], [b"A", b"B", b"A"]], ids=b"".join)
def test_a_replacement_that_lands_late_undoes_none_that_was_acknowledged_since(
    deployment: Deployment, one: Sender, other: Sender, later: list[bytes]
) -> None:
    sends(one, b"A")
    delayed = Delayed()
    with one.hooked(f"before-send.{COMMIT}", delayed):
        sends(one, b"B")
    for content in later:
        sends(other, content)
    before = deployment.items()

    answer = delayed.deliver(deployment._dynamodb)

    assert (answer, current(deployment)) == ("ConditionalCheckFailedException", later[-1])
    assert deployment.items() == before


@pytest.mark.parametrize("later", [[], [b"B"], [b"B", b"A"]], ids=b"".join)
def test_a_first_write_that_lands_late_changes_nothing(
    deployment: Deployment, one: Sender, other: Sender, later: list[bytes]
) -> None:
    one.on(f"before-call.{INSERT}", lambda **_: refusal("ThrottlingException"))
    delayed = Delayed()
    with one.hooked(f"before-send.{COMMIT}", delayed):
        sends(one, b"A")
    for content in later:
        sends(other, content)
    before = deployment.items()

    assert delayed.deliver(deployment._dynamodb) == "ConditionalCheckFailedException"

    assert deployment.items() == before


def test_a_replacement_whose_answer_was_lost_is_stored_once(
    deployment: Deployment, one: Sender
) -> None:
    sends(one, b"A")
    delayed = Delayed()

    def lose_the_answer(request: AWSPreparedRequest, **_: object) -> None:
        try:
            delayed(request)
        except ConnectionClosedError:
            assert delayed.deliver(deployment._dynamodb) == "written"
            raise

    with one.hooked(f"before-send.{COMMIT}", lose_the_answer):
        sends(one, b"B")

    assert current(deployment) == b"B"
    assert deployment.items()[RESOURCE]["Version"] == {"N": "1"}


def test_an_item_from_before_there_were_versions_is_replaced(
    deployment: Deployment, one: Sender, other: Sender
) -> None:
    sends(one, b"A")
    assert "Version" not in deployment.items()[RESOURCE]
    delayed = Delayed()
    with one.hooked(f"before-send.{COMMIT}", delayed):
        sends(one, b"B")
    sends(other, b"A")
    assert deployment.items()[RESOURCE]["Version"] == {"N": "2"}

    # What a version of this service without versions writes over it.
    item = deployment.items()[RESOURCE]
    del item["Version"]
    deployment._dynamodb.put_item(TableName=TABLE, Item=item)

    assert delayed.deliver(deployment._dynamodb) == "ConditionalCheckFailedException"
    sends(other, b"C")
    assert current(deployment) == b"C"

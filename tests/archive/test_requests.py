"""What goes out on the wire, because moto takes anything (wrong checksums as well)."""

import base64
import hashlib
import json
from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.session import Session

from archive.clients import dynamodb_client, s3_client
from tests.archive.deployment import (
    COMMIT,
    OBJECT,
    PARENT,
    READ,
    TABLE,
    Sender,
    instance,
)


@pytest.fixture
def sent(sender: Sender) -> dict[str, AWSPreparedRequest]:
    """The last request of each kind that storing an instance sends."""
    requests: dict[str, AWSPreparedRequest] = {}

    def note(request: AWSPreparedRequest, event_name: str, **_: object) -> None:
        requests[event_name.removeprefix("before-send.")] = request

    for call in (READ, OBJECT, PARENT, COMMIT):
        sender.on(f"before-send.{call}", note)
    assert sender.outcomes(instance(1, b"abc", StudyDate="20260102")) == ["stored"]
    return requests


def headers(request: AWSPreparedRequest) -> dict[str, str]:
    values: list[tuple[str, Any]] = request.headers.items()
    return {
        name.lower(): value.decode() if isinstance(value, bytes) else value
        for name, value in values
    }


def body(request: AWSPreparedRequest) -> object:
    assert isinstance(request.body, bytes)
    return json.loads(request.body)


def test_s3_is_given_the_digest_to_verify_and_nothing_else_to_hash(
    sent: dict[str, AWSPreparedRequest],
) -> None:
    put = headers(sent[OBJECT])

    digest = hashlib.sha256(b"abc").digest()
    assert put["x-amz-checksum-sha256"] == base64.b64encode(digest).decode()
    assert "x-amz-checksum-sha256" in put["authorization"]
    assert put["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert not {"content-md5", "x-amz-checksum-crc32", "x-amz-trailer"} & put.keys()


def test_s3_is_sent_the_bytes_only_if_they_are_not_there(
    sent: dict[str, AWSPreparedRequest],
) -> None:
    put = headers(sent[OBJECT])

    assert sent[OBJECT].method == "PUT"
    content = sent[OBJECT].body
    assert isinstance(content, BytesIO)
    assert content.getvalue() == b"abc"
    assert put["content-length"] == "3"
    assert put["if-none-match"] == "*"
    assert put["content-type"] == "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
    assert not any(name.startswith("x-amz-meta-") for name in put)


def test_the_read_is_consistent_and_asks_for_each_item_once(
    sent: dict[str, AWSPreparedRequest],
) -> None:
    resources = ("study", "series/1.2.1", "instances/1.2.1/1.2.1.1")

    assert body(sent[READ]) == {
        "RequestItems": {
            TABLE: {
                "ConsistentRead": True,
                "Keys": [
                    {"StudyInstanceUID": {"S": "1.2"}, "Resource": {"S": resource}}
                    for resource in resources
                ],
            }
        }
    }


def test_the_commit_is_conditional_and_asks_for_what_is_in_its_place(
    sent: dict[str, AWSPreparedRequest],
) -> None:
    commit = body(sent[COMMIT])

    assert isinstance(commit, dict)
    assert commit["ConditionExpression"] == "attribute_not_exists(SHA256) OR SHA256 = :over"
    digest = hashlib.sha256(b"abc").hexdigest()
    assert commit["ExpressionAttributeValues"] == {":over": {"S": digest}}
    assert commit["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"


def test_a_study_or_series_never_loses_a_value(sent: dict[str, AWSPreparedRequest]) -> None:
    update = body(sent[PARENT])

    assert isinstance(update, dict)
    assert update["UpdateExpression"] == (
        "SET #0 = if_not_exists(#0, :0), #1 = if_not_exists(#1, :1), #2 = if_not_exists(#2, :2)"
    )
    assert set(update["ExpressionAttributeNames"].values()) == {
        "Modality",
        "SeriesNumber",
        "SeriesInstanceUID",
    }


def test_an_empty_endpoint_is_aws_and_any_other_is_honoured(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert s3_client(session).meta.endpoint_url == "https://s3.amazonaws.com"

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5050")

    assert s3_client(session).meta.endpoint_url == "http://127.0.0.1:5050"
    assert dynamodb_client(session).meta.endpoint_url == "http://127.0.0.1:5050"


def test_all_attempts_of_a_call_end_before_the_gateway_gives_up(session: Session) -> None:
    for client in (s3_client(session), dynamodb_client(session)):
        config: Any = client.meta.config
        attempts = config.retries["total_max_attempts"]
        pauses = sum(2**attempt for attempt in range(attempts - 1))
        assert attempts * (config.connect_timeout + config.read_timeout) + pauses < 29
        assert config.max_pool_connections == 16

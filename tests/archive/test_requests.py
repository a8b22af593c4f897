"""What goes out on the wire, because moto takes anything (wrong checksums as well)."""

import base64
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from boto3.session import Session
from botocore.awsrequest import AWSPreparedRequest
from botocore.credentials import ReadOnlyCredentials

from archive.clients import ATTEMPTS, PUT_TIMEOUT, dynamodb_client, s3_client, s3_store
from tests.archive.deployment import (
    COMMIT,
    INSERT,
    PARENT,
    READ,
    TABLE,
    Overload,
    Sender,
    instance,
)
from tests.intercepted_s3 import InterceptedS3, Request


@pytest.fixture
def sent(sender: Sender, no_pause: None) -> dict[str, AWSPreparedRequest]:
    """The last request of each kind that storing an instance sends DynamoDB.

    Of the two that write the study and the series it is that of the series. Batches are refused,
    so that both ways of writing are among them.
    """
    assert no_pause is None
    requests: dict[str, AWSPreparedRequest] = {}

    def note(request: AWSPreparedRequest, event_name: str, **_: object) -> None:
        call = event_name.removeprefix("before-send.")
        if call != PARENT or b"series/" in cast("bytes", request.body):
            requests[call] = request

    for call in (READ, INSERT, PARENT, COMMIT):
        sender.on(f"before-send.{call}", note)
    sender.on(f"before-send.{INSERT}", Overload(6))
    assert sender.outcomes(instance(1, b"abc", StudyDate="20260102")) == ["stored"]
    return requests


@pytest.fixture
def put(sender: Sender, s3: InterceptedS3) -> Request:
    """The request that puts an object."""
    s3.requests.clear()
    assert sender.outcomes(instance(1, b"abc", StudyDate="20260102")) == ["stored"]
    (request,) = s3.requests
    return request


def body(request: AWSPreparedRequest) -> dict[str, Any]:
    assert isinstance(request.body, bytes)
    document: dict[str, Any] = json.loads(request.body)
    return document


def crc64nvme(content: bytes) -> int:
    """Compute it bit by bit, as the catalogue of CRCs defines it."""
    crc = 2**64 - 1
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x9A6C9329AC4BC9B5 if crc & 1 else 0)
    return crc ^ 2**64 - 1


def test_s3_is_given_a_checksum_to_verify(put: Request) -> None:
    assert crc64nvme(b"123456789") == 0xAE8B14860A799888  # the catalogue's check value
    checksum = crc64nvme(b"abc").to_bytes(8, "big")
    assert put.headers["x-amz-checksum-crc64nvme"] == base64.b64encode(checksum).decode()
    assert "x-amz-checksum-crc64nvme" in put.headers["authorization"]
    assert put.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"


def test_s3_is_sent_the_bytes_only_if_they_are_not_there(put: Request) -> None:
    assert put.method == "PUT"
    assert put.body == b"abc"
    assert put.headers["content-length"] == "3"
    assert put.headers["if-none-match"] == "*"
    content_type = "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
    assert put.headers["content-type"] == content_type
    assert not any(name.startswith("x-amz-meta-") for name in put.headers)


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

    assert commit["ConditionExpression"] == (
        "attribute_not_exists(#SHA256) AND attribute_not_exists(#Stored)"
        " AND attribute_not_exists(#Version)"
    )
    assert "ExpressionAttributeValues" not in commit
    assert commit["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"


def test_a_batch_inserts_what_is_not_there(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.keeping._SECONDS_BETWEEN_COMMITS", 10)
    inserts: list[AWSPreparedRequest] = []
    sender.on(f"before-send.{INSERT}", lambda request, **_: inserts.append(request))
    sender.outcomes(*(instance(number) for number in range(30)))

    statements = [body(request)["Statements"] for request in inserts]
    assert [len(each) for each in statements] == [2, 25, 5]
    series = statements[0][1]
    assert series["Statement"] == (
        f'INSERT INTO "{TABLE}" VALUE '
        "{'StudyInstanceUID': ?, 'Resource': ?, 'Modality': ?, 'SeriesNumber': ?,"
        " 'SeriesInstanceUID': ?}"
    )
    assert series["Parameters"] == [
        {"S": "1.2"},
        {"S": "series/1.2.1"},
        {"S": "CT"},
        {"N": "0"},
        {"S": "1.2.1"},
    ]


def test_a_study_or_series_never_loses_a_value(sent: dict[str, AWSPreparedRequest]) -> None:
    update = body(sent[PARENT])

    assert update["UpdateExpression"] == (
        "SET #0 = if_not_exists(#0, :0), #1 = if_not_exists(#1, :1), #2 = if_not_exists(#2, :2)"
    )
    assert set(update["ExpressionAttributeNames"].values()) == {
        "Modality",
        "SeriesNumber",
        "SeriesInstanceUID",
    }


def place(session: Session) -> tuple[object, ...]:
    config = s3_store("a-bucket", session).config
    keys = ("region", "endpoint", "virtual_hosted_style_request")
    return tuple(dict(config).get(key) for key in keys)


def test_an_empty_endpoint_is_aws_and_any_other_is_honoured(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert s3_client(session).meta.endpoint_url == "https://s3.us-east-1.amazonaws.com"
    assert place(session) == ("us-east-1", "https://a-bucket.s3.us-east-1.amazonaws.com", "true")

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5050")

    assert s3_client(session).meta.endpoint_url == "http://127.0.0.1:5050"
    assert dynamodb_client(session).meta.endpoint_url == "http://127.0.0.1:5050"
    assert place(session) == ("us-east-1", "http://127.0.0.1:5050", None)


@pytest.mark.parametrize(
    ("region", "variables", "hostname"),
    [
        ("eu-central-1", {}, "s3.eu-central-1.amazonaws.com"),
        ("cn-north-1", {}, "s3.cn-north-1.amazonaws.com.cn"),
        (
            "us-gov-west-1",
            {"AWS_USE_FIPS_ENDPOINT": "true"},
            "s3-fips.us-gov-west-1.amazonaws.com",
        ),
        (
            "eu-west-1",
            {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
            "s3.dualstack.eu-west-1.amazonaws.com",
        ),
    ],
)
def test_objects_go_where_botocore_finds_s3(
    monkeypatch: pytest.MonkeyPatch, region: str, variables: dict[str, str], hostname: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert place(Session()) == (region, f"https://a-bucket.{hostname}", "true")


def test_objects_are_put_with_the_credentials_that_botocore_has_just_then(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ReadOnlyCredentials("first", "secret", "token")
    monkeypatch.setattr(
        session, "get_credentials", lambda: SimpleNamespace(get_frozen_credentials=lambda: given)
    )
    provide: Any = s3_store("a-bucket", session).credential_provider

    credential = provide()
    assert (credential["access_key_id"], credential["secret_access_key"]) == ("first", "secret")
    assert credential["token"] == "token"
    # botocore hands out credentials that live for ten more minutes.
    assert timedelta(0) < credential["expires_at"] - datetime.now(UTC) < timedelta(minutes=10)

    given = ReadOnlyCredentials("second", "secret", "token")
    assert provide()["access_key_id"] == "second"


def test_all_attempts_to_put_end_before_the_gateway_gives_up(session: Session) -> None:
    options = s3_store("a-bucket", session).client_options
    assert options
    assert (options["timeout"], options["connect_timeout"]) == ("8s", "2s")
    assert ATTEMPTS * PUT_TIMEOUT < 28


def test_all_attempts_of_a_call_end_before_the_gateway_gives_up(session: Session) -> None:
    for client in (s3_client(session), dynamodb_client(session)):
        config: Any = client.meta.config
        attempts = config.retries["total_max_attempts"]
        pauses = sum(2**attempt for attempt in range(attempts - 1))
        assert attempts * (config.connect_timeout + config.read_timeout) + pauses < 29
        assert config.max_pool_connections == 16

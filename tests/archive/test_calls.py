"""The first attempt of a call, over a real socket."""

import json
from collections.abc import Callable, Iterator
from http.client import RemoteDisconnected
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from botocore.session import Session

from archive.clients import dynamodb_client, s3_client
from archive.connections import Connections
from tests.archive.host import CLOSING, HANG_UP, OK, Host, answer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

Answering = Callable[..., Host]

KEY = {"StudyInstanceUID": {"S": "1.2"}, "Resource": {"S": "study"}}
SLOW_DOWN = answer(503, b"<Error><Code>SlowDown</Code></Error>")


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    hosts: list[Host] = []

    def start(*answers: bytes) -> Host:
        host = Host(answers)
        hosts.append(host)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host.address}")
        return host

    yield start
    for host in hosts:
        host.close()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)


def put_item(client: "DynamoDBClient") -> object:
    return client.put_item(TableName="table", Item=KEY)


def put_object(client: "S3Client", content: bytes = b"content") -> object:
    return client.put_object(
        Bucket="bucket",
        Key="studies/1.2/a.dcm",
        Body=BytesIO(content),
        ChecksumSHA256="digest",
        ContentType="application/dicom",
        IfNoneMatch="*",
    )


def head(request: bytes) -> list[str]:
    return request.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")


def test_a_call_of_dynamodb_is_one_signed_request(answering: Answering, session: Session) -> None:
    host = answering(OK)

    assert put_item(dynamodb_client(session)) == {}

    (request,) = host.requests
    start, *fields = head(request)
    assert start == "POST / HTTP/1.1"
    assert f"Host: {host.address}" in fields
    assert "x-amz-target: DynamoDB_20120810.PutItem" in fields
    assert any(field.startswith("Authorization: AWS4-HMAC-SHA256 ") for field in fields)
    assert json.loads(request.partition(b"\r\n\r\n")[2]) == {"TableName": "table", "Item": KEY}


@pytest.mark.parametrize("size", [0, 7, 65536, 65537, 1_000_000])
def test_an_object_is_sent_whole_and_at_once(
    answering: Answering, session: Session, size: int
) -> None:
    host = answering(answer(200, b""))
    content = bytes(size)

    put_object(s3_client(session), content)

    (request,) = host.requests
    start, *fields = head(request)
    assert start == "PUT /bucket/studies/1.2/a.dcm HTTP/1.1"
    assert request.partition(b"\r\n\r\n")[2] == content
    assert not [field for field in fields if field.lower().startswith("expect")]


def test_an_object_goes_to_the_bucket_s_own_host_at_aws(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")
    client: Any = s3_client(session)

    assert client._base("bucket") == "https://bucket.s3.amazonaws.com"


def test_the_next_call_goes_over_the_same_connection(
    answering: Answering, session: Session
) -> None:
    host = answering(OK, OK)
    client = dynamodb_client(session)

    put_item(client)
    put_item(client)

    assert (len(host.requests), host.connections) == (2, 1)


def test_a_connection_that_the_other_side_closes_is_not_used_again(
    answering: Answering, session: Session
) -> None:
    host = answering(CLOSING, OK)
    client = dynamodb_client(session)

    put_item(client)
    put_item(client)

    assert (len(host.requests), host.connections) == (2, 2)


def test_a_connection_that_was_closed_while_idle_is_not_used_again() -> None:
    host = Host([HANG_UP, OK])
    connections = Connections(f"http://{host.address}", connect_timeout=5, read_timeout=5)
    request = AWSRequest("POST", f"http://{host.address}/", {}, b"").prepare()
    idle = connections._connection()
    idle.sendall(b"POST / HTTP/1.1\r\n\r\n")
    assert idle.recv(1) == b""
    connections._idle.put(idle)

    assert connections.send(request, b"").status_code == 200

    host.close()
    assert (idle.fileno(), host.connections) == (-1, 2)


@pytest.mark.parametrize("failure", [HANG_UP, SLOW_DOWN, answer(500, b"<Error/>")])
def test_a_call_that_fails_is_made_over_by_botocore(
    answering: Answering, session: Session, failure: bytes
) -> None:
    host = answering(failure, answer(200, b""))

    put_object(s3_client(session))

    first, second = host.requests
    assert not any(field.startswith("User-Agent") for field in head(first))
    assert any(field.startswith("User-Agent: Botocore") for field in head(second))


def test_what_botocore_says_of_a_call_made_over_is_said(
    answering: Answering, session: Session
) -> None:
    refused = answer(403, b"<Error><Code>AccessDenied</Code></Error>")
    answering(refused, refused)

    with pytest.raises(ClientError) as error:
        put_object(s3_client(session))

    assert error.value.response["Error"]["Code"] == "AccessDenied"


def test_an_object_that_is_there_is_the_end_of_the_call(
    answering: Answering, session: Session
) -> None:
    host = answering(answer(412, b"<Error><Code>PreconditionFailed</Code></Error>"))

    with pytest.raises(ClientError) as error:
        put_object(s3_client(session))

    assert error.value.response["Error"]["Code"] == "PreconditionFailed"
    assert len(host.requests) == 1


def test_an_item_that_is_there_is_the_end_of_the_call_and_comes_with_it(
    answering: Answering, session: Session
) -> None:
    kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
    host = answering(answer(400, json.dumps({"__type": kind, "Item": KEY}).encode()))

    with pytest.raises(ClientError) as error:
        put_item(dynamodb_client(session))

    response: dict[str, Any] = dict(error.value.response)
    assert response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert response["Item"] == KEY
    assert len(host.requests) == 1


def test_other_calls_are_botocore_s_own(answering: Answering, session: Session) -> None:
    host = answering(OK)

    dynamodb_client(session).describe_table(TableName="table")

    assert any(field.startswith("User-Agent: Botocore") for field in head(host.requests[0]))


def test_through_a_proxy_only_botocore_goes(
    answering: Answering, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = answering(OK)
    monkeypatch.setenv("http_proxy", f"http://{host.address}")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://aws.invalid")
    monkeypatch.delenv("no_proxy", raising=False)

    put_item(dynamodb_client(session))

    assert head(host.requests[0])[0] == "POST http://aws.invalid/ HTTP/1.1"


def test_https_is_refused_to_a_host_that_does_not_speak_it() -> None:
    host = Host([OK])
    connections = Connections(f"https://{host.address}", connect_timeout=0.2, read_timeout=5)
    request = AWSRequest("POST", f"https://{host.address}/", {}, b"").prepare()

    with pytest.raises(OSError):  # noqa: PT011 - whether TLS fails or is not answered
        connections.send(request, b"")
    host.close()


def test_an_answer_that_does_not_come_is_an_error() -> None:
    host = Host([HANG_UP])
    connections = Connections(f"http://{host.address}", connect_timeout=5, read_timeout=5)
    request = AWSRequest("POST", f"http://{host.address}/", {}, b"").prepare()

    with pytest.raises(RemoteDisconnected):
        connections.send(request, b"")
    host.close()

"""The first attempt of a call, over a real socket."""

import json
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.client import RemoteDisconnected
from io import BytesIO
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from botocore.session import Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from archive.clients import dynamodb_client, s3_client
from archive.connections import Connections, _tls
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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and the certificate that it signs for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(key.private_bytes(*form) + signed.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[Host]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    host = Host([OK, OK], context)
    _tls.cache_clear()
    yield host
    _tls.cache_clear()
    host.close()


def ask_twice(host: Host) -> list[int]:
    url = f"https://{host.address}/"
    connections = Connections(url, connect_timeout=5, read_timeout=5)
    request = AWSRequest("POST", url, {}, b"").prepare()
    return [connections.send(request, b"").status_code for _ in range(2)]


def test_a_host_is_asked_over_one_tls_connection_if_botocore_trusts_it(
    secure: Host, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.connections.get_cert_path", lambda **_: certificate)

    assert ask_twice(secure) == [200, 200]
    assert secure.connections == 1


def test_a_host_that_botocore_does_not_trust_is_told_nothing(secure: Host) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        ask_twice(secure)

    assert secure.requests == []


def test_an_answer_that_does_not_come_is_an_error() -> None:
    host = Host([HANG_UP])
    connections = Connections(f"http://{host.address}", connect_timeout=5, read_timeout=5)
    request = AWSRequest("POST", f"http://{host.address}/", {}, b"").prepare()

    with pytest.raises(RemoteDisconnected):
        connections.send(request, b"")
    host.close()

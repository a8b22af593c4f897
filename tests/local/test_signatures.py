"""Requests that are signed in the Authorization header, as every client of AWS sends them."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.client import BaseClient
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from local.template import REGION
from tests.local import staging

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.local.staging import Answer

pytestmark = pytest.mark.process

KEY = "studies/a key of é"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with staging.served() as endpoint:
        yield endpoint


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> "S3Client":
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    return staging.client("local", "local")


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def change(client: BaseClient, event: str, edit: Callable[[AWSPreparedRequest], None]) -> None:
    """Let ``edit`` change what goes out after it was signed."""
    client.meta.events.register(f"before-send.{event}", lambda request, **_: edit(request))


def test_what_clients_sign_is_taken(s3: "S3Client") -> None:
    s3.put_object(Bucket="bucket", Key=KEY, Body=b"abc", ContentType="text/plain; a=b")
    assert s3.get_object(Bucket="bucket", Key=KEY)["Body"].read() == b"abc"
    assert s3.list_objects_v2(Bucket="bucket", Prefix="studies/a key")["KeyCount"] == 1


@pytest.mark.parametrize("keys", [("local", "local"), ("defaultkey", "defaultsecret")])
def test_the_keys_are_those_of_the_service_and_of_sam_local(
    endpoint: str, keys: tuple[str, str]
) -> None:
    assert endpoint
    assert staging.client(*keys).list_buckets()["Buckets"][0]["Name"] == "bucket"


@pytest.mark.parametrize(
    ("keys", "found"),
    [(("local", "other"), "SignatureDoesNotMatch"), (("other", "local"), "InvalidAccessKeyId")],
)
def test_other_keys_are_refused(endpoint: str, keys: tuple[str, str], found: str) -> None:
    assert endpoint
    with pytest.raises(ClientError) as error:
        staging.client(*keys).list_buckets()
    assert code(error) == found


def other_key(request: AWSPreparedRequest) -> None:
    request.url = request.url.replace("studies/", "staging/")


def other_digest(request: AWSPreparedRequest) -> None:
    del request.headers["X-Amz-Content-SHA256"]
    request.headers["X-Amz-Content-SHA256"] = "0" * 64


def other_method(request: AWSPreparedRequest) -> None:
    request.method = "DELETE"


@pytest.mark.parametrize("edit", [other_key, other_digest, other_method])
def test_what_was_signed_otherwise_is_refused(
    s3: "S3Client", edit: Callable[[AWSPreparedRequest], None]
) -> None:
    change(s3, "s3.PutObject", edit)
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket="bucket", Key=KEY, Body=b"abc")
    assert code(error) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("authorization", "found"),
    [
        ("AWS local:c2lnbmF0dXJl", "AuthorizationHeaderMalformed"),
        ("Bearer a.b.c", "AuthorizationHeaderMalformed"),
        ("", "AuthorizationHeaderMalformed"),
        (
            "AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=" + "0" * 64,
            "AuthorizationHeaderMalformed",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request,"
            " SignedHeaders=host, Signature=" + "0" * 64,
            "AccessDenied",
        ),
    ],
)
def test_another_authorization_is_refused(endpoint: str, authorization: str, found: str) -> None:
    answer = staging.send("GET", f"{endpoint}/bucket", b"", {"Authorization": authorization})
    assert (answer.status, f"<Code>{found}<" in answer.body) == (403, True)


def signed_at(endpoint: str, moment: datetime) -> "Answer":
    request = AWSRequest("GET", f"{endpoint}/bucket", {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    timestamp = moment.strftime("%Y%m%dT%H%M%SZ")
    request.headers["X-Amz-Date"] = timestamp
    request.context["timestamp"] = timestamp
    signer = S3SigV4Auth(Credentials("local", "local"), "s3", REGION)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)},"
        f" SignedHeaders={signer.signed_headers(signer.headers_to_sign(request))},"
        f" Signature={signature}"
    )
    return staging.send("GET", f"{endpoint}/bucket", b"", dict(request.headers.items()))


@pytest.mark.parametrize(("minutes", "status"), [(-16, 403), (-14, 200), (14, 200), (16, 403)])
def test_a_request_counts_for_a_quarter_of_an_hour(
    endpoint: str, minutes: int, status: int
) -> None:
    answer = signed_at(endpoint, datetime.now(UTC) + timedelta(minutes=minutes))
    assert answer.status == status
    assert ("RequestTimeTooSkewed" in answer.body) is (status == 403)


def test_dynamodb_is_given_the_same_signature_and_answers_in_json(endpoint: str) -> None:
    assert endpoint
    good = boto3.client(
        "dynamodb", REGION, aws_access_key_id="local", aws_secret_access_key="local"
    )
    assert good.list_tables()["TableNames"] == []

    def other_body(request: AWSPreparedRequest) -> None:
        body = cast("bytes", request.body)
        assert json.loads(body) == {"Limit": 5}
        request.body = body.replace(b"5", b"6")

    change(good, "dynamodb.ListTables", other_body)
    with pytest.raises(ClientError) as error:
        good.list_tables(Limit=5)
    assert code(error) == "SignatureDoesNotMatch"

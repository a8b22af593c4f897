import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.local import staging

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.local.staging import Answer

pytestmark = pytest.mark.process

KEY = "staging/an upload of é"
VIEWER = "https://viewer.example.org"
ASKED: dict[str, str | None] = {"Origin": VIEWER, "Access-Control-Request-Method": "PUT"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with staging.served("laptop.example.org", VIEWER) as endpoint:
        yield endpoint


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> "S3Client":
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    return staging.client("local", "local")


@pytest.fixture
def url(s3: "S3Client") -> str:
    s3.delete_object(Bucket="bucket", Key=KEY)
    return staging.presign(s3, "bucket", KEY, 3)


def test_a_presigned_put_as_it_was_signed_is_taken(s3: "S3Client", url: str) -> None:
    assert staging.put(url, b"abc", 3).status == 200
    stored = s3.get_object(Bucket="bucket", Key=KEY)
    assert (stored["Body"].read(), stored["ContentType"]) == (b"abc", "text/plain")


def test_a_second_put_to_the_same_url_is_refused(url: str) -> None:
    assert staging.put(url, b"abc", 3).status == 200
    again = staging.put(url, b"xyz", 3)
    assert again.status == 412
    assert "PreconditionFailed" in again.body


def test_an_expired_url_is_refused(s3: "S3Client") -> None:
    url = staging.presign(s3, "bucket", "late", 3, seconds=1)
    time.sleep(2.1)
    answer = staging.put(url, b"abc", 3)
    assert answer.status == 403
    assert "<Code>AccessDenied</Code><Message>Request has expired</Message>" in answer.body


CHANGES: list[tuple[str, Callable[[str], "Answer"]]] = [
    ("another type", lambda url: staging.put(url, b"abc", 3, Content_Type="image/png")),
    ("no type", lambda url: staging.put(url, b"abc", 3, Content_Type=None)),
    ("a longer body", lambda url: staging.put(url, b"abcd", 4)),
    ("a shorter body", lambda url: staging.put(url, b"ab", 2)),
    ("no condition", lambda url: staging.put(url, b"abc", 3, If_None_Match=None)),
    ("another key", lambda url: staging.put(url.replace("staging/", "studies/"), b"abc", 3)),
    ("a longer time", lambda url: staging.put(url.replace("Expires=60", "Expires=61"), b"a", 3)),
    ("another method", lambda url: staging.send("DELETE", url)),
]


@pytest.mark.parametrize(("change", "send"), CHANGES, ids=[name for name, _ in CHANGES])
def test_what_was_signed_otherwise_is_refused(
    s3: "S3Client", url: str, change: str, send: Callable[[str], "Answer"]
) -> None:
    answer = send(url)
    assert (answer.status, "<Code>SignatureDoesNotMatch<" in answer.body) == (403, True), change
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket", Prefix=KEY)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("X-Amz-Expires=60", "X-Amz-Expires=soon", "AuthorizationQueryParametersError"),
        ("X-Amz-Expires=60", "X-Amz-Expires=604801", "AuthorizationQueryParametersError"),
        ("&X-Amz-Expires=60", "", "AuthorizationQueryParametersError"),
        ("%2Faws4_request", "", "AuthorizationQueryParametersError"),
        ("X-Amz-Credential=local", "X-Amz-Credential=other", "InvalidAccessKeyId"),
        ("X-Amz-Signature", "Nothing", "AccessDenied"),
    ],
)
def test_a_url_that_is_not_whole_is_refused(url: str, old: str, new: str, code: str) -> None:
    assert old in url
    answer = staging.put(url.replace(old, new), b"abc", 3)
    assert (answer.status, f"<Code>{code}<" in answer.body) == (403, True)


def test_a_header_of_amazon_that_was_not_signed_is_refused(url: str) -> None:
    answer = staging.put(url, b"abc", 3, x_amz_meta_name="value")
    assert answer.status == 403
    assert "not signed: x-amz-meta-name" in answer.body


def test_keys_that_are_not_the_services_sign_nothing(endpoint: str) -> None:
    assert endpoint
    url = staging.presign(staging.client("local", "other"), "bucket", KEY, 3)
    assert "<Code>SignatureDoesNotMatch<" in staging.put(url, b"abc", 3).body


def test_a_page_of_an_allowed_origin_may_ask_first_and_put(url: str) -> None:
    assert staging.send("OPTIONS", url.partition("?")[0], b"", ASKED).status == 200
    assert staging.put(url, b"abc", 3, Origin=VIEWER).status == 200


@pytest.mark.parametrize("origin", ["https://evil.example.org", "null", "http://127.0.0.1:5050"])
def test_a_page_of_another_origin_gets_nothing(url: str, origin: str) -> None:
    asked = staging.send("OPTIONS", url.partition("?")[0], b"", {**ASKED, "Origin": origin})
    sent = staging.put(url, b"abc", 3, Origin=origin)
    reset = staging.send("POST", f"{url.partition('/bucket')[0]}/moto-api/reset", b"", {})
    assert (asked.status, sent.status, reset.status) == (403, 403, 403)
    assert "The Origin of this request is not allowed" in asked.body + sent.body
    assert staging.put(url, b"abc", 3).status == 200


def test_a_name_that_was_made_to_mean_this_machine_gets_nothing(url: str) -> None:
    answer = staging.put(url, b"abc", 3, Host="rebound.example.org:5050")
    assert (answer.status, "The Host of this request" in answer.body) == (403, True)


@pytest.mark.parametrize("host", ["localhost", "laptop.example.org"])
def test_a_name_of_this_machine_is_answered(endpoint: str, host: str) -> None:
    answer = staging.send("GET", f"{endpoint}/bucket", b"", {"Host": f"{host}:5050"})
    assert "<Code>AccessDenied</Code><Message>Access Denied<" in answer.body

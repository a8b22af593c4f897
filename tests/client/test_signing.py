"""Requests that are signed for AWS: each signature is computed again from what was received."""

import re
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError

from stowport.command import main
from stowport.credentials import NoToken
from stowport.messages import Request
from stowport.signing import Signatures
from stowport.transport import Transport
from tests.builders import instance
from tests.client.stub import Reply, Seen, Stub

Capture = pytest.CaptureFixture[str]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(AKIDEXAMPLE/\d{8}/[a-z0-9-]+/[a-z-]+/aws4_request),"
    r" SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")


def is_signed(seen: Seen, url: str, service: str, region: str) -> bool:
    """Tell whether a request as it arrived has the signature that botocore computes for it."""
    match = _AUTHORIZATION.fullmatch(seen.headers["authorization"])
    assert match
    scope, names, signature = match.groups()
    assert scope.endswith(f"/{region}/{service}/aws4_request")
    assert {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"} <= set(
        names.split(";")
    )
    request = AWSRequest(method=seen.method, url=f"{url}{seen.path}")
    for name in names.split(";"):
        request.headers[name.title()] = seen.headers[name]
    request.context["timestamp"] = seen.headers["x-amz-date"]
    signer = SigV4Auth(Credentials("AKIDEXAMPLE", "testing"), service, region)
    canonical = signer.canonical_request(request)
    return signature == signer.signature(signer.string_to_sign(request, canonical), request)


def test_the_digest_of_the_body_is_signed_for_each_try(stub: Stub) -> None:
    stub.script["POST"] = [Reply(status=503), Reply(status=200)]
    content = b"x" * 100_000
    transport = Transport(Signatures("execute-api", "eu-central-1"), connections=1)
    response = transport.authorized(
        Request(
            method="POST",
            url=f"{stub.url}/prod/studies/1.2.3?accept=application%2Fdicom%2Bjson",
            headers={"Content-Type": "application/dicom", "Accept": "application/dicom+json"},
            size=len(content),
            blocks=lambda: (content[:7], memoryview(content)[7:]),
        )
    )
    assert response.status == 200
    assert len(stub.seen) == 2
    for seen in stub.seen:
        assert seen.headers["x-amz-content-sha256"] == sha256(content).hexdigest()
        assert is_signed(seen, stub.url, "execute-api", "eu-central-1")


def test_instances_are_sent_to_healthimaging_as_it_documents(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.dcm").write_bytes(instance(1, 1, number))
    options = ["--aws-sigv4", "medical-imaging", "us-east-1", "--json"]
    assert main(["send", str(tmp_path), "--url", stub.url, *options]) == 0, capsys.readouterr().out
    (seen,) = stub.seen
    assert is_signed(seen, stub.url, "medical-imaging", "us-east-1")
    assert seen.headers["x-amz-content-sha256"] == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    assert seen.headers["x-amz-decoded-content-length"] == seen.headers["content-length"]


def test_what_is_put_into_s3_is_not_signed_twice(stub: Stub, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(instance(1, PixelData=bytes(60_000), Rows=30, Columns=1000))
    options = ["--aws-sigv4", "execute-api", "us-east-1", "--limit", "50kB"]
    assert main(["send", str(tmp_path), "--url", stub.url, *options]) == 0
    for seen in stub.seen:
        assert ("authorization" in seen.headers) == (seen.method != "PUT")
        assert seen.method == "PUT" or is_signed(seen, stub.url, "execute-api", "us-east-1")
    assert len(stub.requests("PUT")) == 1


def test_a_signature_that_is_refused_is_not_tried_again(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "a.dcm").write_bytes(instance(1))
    stub.script["POST"] = [Reply(status=401)]
    options = ["--aws-sigv4", "medical-imaging", "us-east-1"]
    assert main(["send", str(tmp_path), "--url", stub.url, *options]) == 2
    assert len(stub.seen) == 1
    assert "(401)" in capsys.readouterr().out


def test_without_credentials_of_aws_it_says_where_they_are_looked_for(
    stub: Stub, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    (tmp_path / "a.dcm").write_bytes(instance(1))
    options = ["--aws-sigv4", "medical-imaging", "us-east-1"]
    assert main(["send", str(tmp_path), "--url", stub.url, *options]) == 2
    said = " ".join(capsys.readouterr().out.split())
    assert "found no credentials of AWS, expected them in the environment, in a profile" in said


def test_a_profile_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "absent")
    request = Request(method="GET", url="http://127.0.0.1:9", headers={})
    with pytest.raises(NoToken, match=r"found no credentials of AWS: .*\(absent\)"):
        Signatures("medical-imaging", "us-east-1").authorize(request).fields()


def test_credentials_that_cannot_be_renewed_are_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def expired(*_: object) -> RefreshableCredentials:
        return RefreshableCredentials("a", "b", "c", datetime.now(UTC), refused, "role")

    def refused() -> object:
        raise CredentialRetrievalError(provider="role", error_msg="no longer")

    monkeypatch.setattr("botocore.session.Session.get_credentials", expired)
    request = Request(method="GET", url="http://127.0.0.1:9", headers={})
    with pytest.raises(NoToken, match="no longer"):
        Signatures("medical-imaging", "us-east-1").authorize(request).fields()


def test_without_botocore_it_says_what_to_install(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    options = ["--aws-sigv4", "medical-imaging", "us-east-1"]
    assert main(["send", "/absent", "--url", "https://archive.example.org", *options]) == 2
    assert "pip install 'stowport[aws]'" in capsys.readouterr().err

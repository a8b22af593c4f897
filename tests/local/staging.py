"""S3 of the laptop on a loopback port, and requests to it that S3 clients would not make."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from local import aws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Answer(NamedTuple):
    status: int
    body: str


@contextmanager
def served(hosts: str = "", origins: str = "") -> Iterator[str]:
    """Run S3 with the keys ``local`` and a bucket called ``bucket``; give its URL."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "local")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "local")
        with aws.embedded(0, hosts, origins) as endpoint:
            patch.setenv("AWS_ENDPOINT_URL", endpoint)
            client().create_bucket(Bucket="bucket")
            yield endpoint


def client(key: str = "", secret: str = "") -> "S3Client":
    """Make a client that presigns as the service does, with the environment's keys if no others."""
    return boto3.client(
        "s3",
        "us-east-1",
        config=Config(signature_version="s3v4", request_checksum_calculation="when_required"),
        aws_access_key_id=key or os.environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=secret or os.environ["AWS_SECRET_ACCESS_KEY"],
    )


def presign(s3: "S3Client", bucket: str, key: str, size: int, seconds: int = 60) -> str:
    """Return the URL of a PUT of ``size`` bytes of text that is not there yet."""
    wanted = {
        "Bucket": bucket,
        "Key": key,
        "ContentType": "text/plain",
        "ContentLength": size,
        "IfNoneMatch": "*",
    }
    return s3.generate_presigned_url("put_object", Params=wanted, ExpiresIn=seconds)


def put(url: str, body: bytes | Iterator[bytes], size: int, **headers: str | None) -> Answer:
    """PUT ``body`` with the headers that were signed, or ``headers`` in their place."""
    signed = {"Content-Type": "text/plain", "Content-Length": str(size), "If-None-Match": "*"}
    others = {name.replace("_", "-"): value for name, value in headers.items()}
    return send("PUT", url, body, {**signed, **others})


def send(
    method: str,
    url: str,
    body: bytes | Iterator[bytes] = b"",
    headers: dict[str, str | None] = {},  # noqa: B006  it is not changed
) -> Answer:
    parts = urlsplit(url)
    fields = {name: value for name, value in headers.items() if value is not None}
    with closing(HTTPConnection(parts.netloc, timeout=30)) as connection:
        connection.request(method, f"{parts.path}?{parts.query}", body, fields)
        response = connection.getresponse()
        return Answer(response.status, response.read().decode())

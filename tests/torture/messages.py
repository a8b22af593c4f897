"""HTTP/1.1 as bytes: what the proxy reads from a function, and what it passes back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, BinaryIO, Self
from urllib.parse import parse_qs, urlsplit
from zlib import crc32


@dataclass(frozen=True)
class Request:
    """A request to AWS; the names of ``headers`` in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def call(self) -> str:
        """The name of the call, such as ``PutObject``."""
        if amz_target := self.headers.get("x-amz-target"):
            return amz_target.rpartition(".")[2]
        asked = parse_qs(urlsplit(self.target).query, keep_blank_values=True)
        if "uploads" in asked:
            return "CreateMultipartUpload"
        if "uploadId" in asked:
            to_part = "UploadPartCopy" if "x-amz-copy-source" in self.headers else "UploadPart"
            of_upload = {"POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}
            return of_upload.get(self.method, to_part)
        return f"{self.method.title()}Object"

    @property
    def is_of_s3(self) -> bool:
        return "x-amz-target" not in self.headers

    @property
    def document(self) -> dict[str, Any]:
        """The request of a call of DynamoDB or SQS."""
        document: dict[str, Any] = json.loads(self.body)
        return document

    def changed(self, document: object) -> Self:
        return replace(self, body=json.dumps(document).encode())


@dataclass(frozen=True)
class Answer:
    """An answer of AWS, whose length is stated."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: str = ""  # of what HEAD asks for, whose answer has no body

    @property
    def head(self) -> bytes:
        fields = {**self.headers, "Content-Length": self.length or str(len(self.body))}
        lines = [f"HTTP/1.1 {self.status} -", *(f"{name}: {fields[name]}" for name in fields)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    def __bytes__(self) -> bytes:
        return self.head + (b"" if self.status in (204, 304) else self.body)


def of_dynamodb(document: object, status: int = 200) -> Answer:
    """Return an answer of DynamoDB, with its checksum."""
    body = json.dumps(document).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amz-crc32": str(crc32(body))}
    return Answer(status, headers, body)


def of_s3(status: int, code: str, **headers: str) -> Answer:
    """Return an error of S3."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>-</Message></Error>".encode()
    return Answer(status, {"Content-Type": "application/xml", **headers}, body)


def read_request(stream: BinaryIO) -> tuple[Request, bool] | None:
    """Return the next request without its body, and whether that has to be asked for.

    None at the end of the stream.
    """
    line = stream.readline().decode("latin-1")
    if not line:
        return None
    method, target, _ = line.split(" ", 2)
    headers: dict[str, str] = {}
    while field_line := stream.readline().decode("latin-1").strip():
        name, _, value = field_line.partition(":")
        headers[name.lower()] = value.strip()
    expects = headers.pop("expect", "").lower() == "100-continue"
    return Request(method, target, headers, b""), expects


def with_body(request: Request, stream: BinaryIO) -> Request:
    return replace(request, body=stream.read(int(request.headers.get("content-length", "0"))))

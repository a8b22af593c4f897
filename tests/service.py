"""The whole service as ``make run`` starts it, and what is kept in its S3 and DynamoDB.

A test asks for the fixture ``service`` and calls it with template parameters: each combination
is started once for the whole run. A worker of pytest-xdist runs all tests that use a service one
after the other (``tests.processes``), and stops the services after the last: one that has nothing
to do still asks its queues.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest

from local.issuer import mint
from tests import answers, builders
from tests.answers import Answer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

ROOT = Path(__file__).parent.parent
_READY = "One line for each request"
_SECONDS_TO_START = 60
_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningService:
    """A running service; ``directory`` is where it writes, ``bucket`` and ``table`` its own."""

    base_url: str
    bucket: str
    table: str
    directory: Path
    s3: "S3Client"
    dynamodb: "DynamoDBClient"

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.base_url)
        return str(parts.hostname), int(parts.port or 0)

    def raw(self, request: bytes) -> Answer:
        """Send ``request`` as it stands, and read the answer."""
        with socket.create_connection(self.address, _SECONDS) as connection:
            connection.sendall(request)
            response = HTTPResponse(connection)
            response.begin()
            return answers.read(response)

    def send(
        self, method: str, path: str, body: bytes | None = None, **headers: str | None
    ) -> Answer:
        """Send a request; header fields by name with underscores for hyphens."""
        fields = {name.replace("_", "-"): value for name, value in headers.items() if value}
        with closing(HTTPConnection(*self.address, timeout=_SECONDS)) as connection:
            connection.request(method, path, body, fields)
            return answers.read(connection.getresponse())

    def post(
        self,
        body: bytes,
        path: str = "/studies",
        content_type: str | None = builders.content_type(),
        **headers: str | None,
    ) -> Answer:
        return self.send("POST", path, body, Content_Type=content_type, **headers)

    def store(self, *contents: bytes, path: str = "/studies", **headers: str | None) -> Answer:
        """Send Part 10 files as dicomweb-client does."""
        return self.post(builders.multipart(*map(builders.part, contents)), path, **headers)

    def token(self, scope: str | None = None, lifetime: int = 3600) -> str:
        return "Bearer " + mint(self.directory / ".stowport", scope, lifetime)

    def objects(self, study: str = "") -> list[str]:
        """Return the SHA-256 of the objects of a study, or of all, in hex and sorted."""
        contents = [self._content(key) for key in self._keys(study)]
        return sorted(sha256(content).hexdigest() for content in contents)

    def _keys(self, study: str) -> list[str]:
        prefix = f"studies/{study}/" if study else ""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def _content(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def items(self, study: str) -> dict[str, dict[str, Any]]:
        """Return the items of a study by their sort key, found by one query."""
        found = self.dynamodb.query(
            TableName=self.table,
            KeyConditionExpression="StudyInstanceUID = :study",
            ExpressionAttributeValues={":study": {"S": study}},
            ConsistentRead=True,
        )
        return {item["Resource"]["S"]: dict(item) for item in found["Items"]}

    def count(self) -> tuple[int, int]:
        """Return how many objects and how many items there are."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.table)
        return len(self._keys("")), sum(page["Count"] for page in pages)

    def clear(self) -> None:
        """Forget everything that is stored."""
        for key in self._keys(""):
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=self.table):
            for item in page["Items"]:
                key_of_item = {name: item[name] for name in ("StudyInstanceUID", "Resource")}
                self.dynamodb.delete_item(TableName=self.table, Key=key_of_item)

    def output(self) -> str:
        """Return all that the service has printed and its functions have logged."""
        logs = (self.directory / "output.log", self.directory / ".stowport" / "functions.log")
        return "".join(log.read_text("utf-8") for log in logs)


Start = Callable[..., RunningService]

_RUNNING = ExitStack()
"""What stops the services that run."""


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start the service with template parameters, unless it runs with them already."""
    with _RUNNING:

        @cache
        def start(**parameters: str) -> RunningService:
            _RUNNING.callback(start.cache_clear)
            return run_service(tmp_path_factory.mktemp("service"), parameters, _RUNNING)

        yield start


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if hasattr(item.config, "workerinput") and _uses(item) and not (nextitem and _uses(nextitem)):
        _RUNNING.close()


def _uses(item: pytest.Item) -> bool:
    return "service" in getattr(item, "fixturenames", ())


def run_service(directory: Path, parameters: dict[str, str], stack: ExitStack) -> RunningService:
    """Start the service in ``directory`` with template parameters; ``stack`` stops it."""
    output = directory / "output.log"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "PORT=0", "AWS_PORT=0"]
            + [f"{name}={value}" for name, value in parameters.items()],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    stack.callback(_stop, process)
    end = time.monotonic() + _SECONDS_TO_START
    while _READY not in output.read_text("utf-8"):
        assert process.poll() is None, output.read_text("utf-8")
        assert time.monotonic() < end, output.read_text("utf-8")
        time.sleep(0.02)
    announced = json.loads((directory / ".stowport" / "service.json").read_text("utf-8"))
    endpoint = announced["endpoint"]
    return RunningService(
        base_url=announced["base_url"],
        bucket=announced["bucket"],
        table=announced["table"],
        directory=directory,
        s3=boto3.client("s3", endpoint_url=endpoint),
        dynamodb=boto3.client("dynamodb", endpoint_url=endpoint),
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(_SECONDS) == 0

"""The store function under AWS's own runtime client, from its start to a restore and a request."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from socket import SHUT_RDWR, socket
from threading import Event, Thread
from types import MappingProxyType
from typing import Any

import pytest

from tests.store.deployment import environment, event, function

pytestmark = pytest.mark.process

SECONDS = 30
STORE = function("StoreFunction")
NONE: Mapping[str, str] = MappingProxyType({})


class Server(ThreadingHTTPServer):
    """Answers on loopback, in threads that a test need not wait for."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answers: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), answers)
        self.address = f"127.0.0.1:{self.server_port}"
        self.connections: list[socket] = []
        Thread(target=self.serve_forever, daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in its base
        self.connections.append(request)
        super().process_request(request, client_address)


class Answers(BaseHTTPRequestHandler):
    """One answer to one request."""

    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: object, headers: Mapping[str, str] = NONE) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Leave the log to the function."""


class AWS(Server):
    """S3 and DynamoDB, which let nobody do anything."""

    def __init__(self) -> None:
        super().__init__(Denials)
        self.signatures: list[str] = []


class Denials(Answers):
    server: AWS

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.signatures.append(self.headers["Authorization"])
        self.answer(400, {"__type": "AccessDeniedException"})


class Credentials(Server):
    """The credentials of an environment: those of the snapshot are about to expire."""

    def __init__(self) -> None:
        super().__init__(Keys)
        self.restored = False

    def restore(self) -> None:
        """Be the credentials of another environment, which nobody is connected to."""
        self.restored = True
        for connection in self.connections:
            connection.shutdown(SHUT_RDWR)


class Keys(Answers):
    server: Credentials

    def do_GET(self) -> None:
        restored = self.server.restored
        expiration = datetime.now(UTC) + timedelta(hours=6 if restored else 0, minutes=1)
        credentials = {
            "AccessKeyId": "AFTERRESTORE" if restored else "BEFORESNAPSHOT",
            "SecretAccessKey": "testing",
            "Token": "testing",
            "Expiration": expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        self.answer(200, credentials)


class Lambda(Server):
    """Lambda's runtime API: the snapshot is taken between the start and the restore."""

    def __init__(self) -> None:
        super().__init__(Runtime)
        self.snapshot = Event()
        self.restored = Event()
        self.events: Queue[dict[str, Any]] = Queue()
        self.results: Queue[dict[str, Any]] = Queue()


class Runtime(Answers):
    server: Lambda

    def do_GET(self) -> None:
        if self.path == "/2018-06-01/runtime/restore/next":
            self.server.snapshot.set()
            self.server.restored.wait(SECONDS)
            self.answer(200, {})
            return
        sent = self.server.events.get(timeout=SECONDS)
        invocation = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": "request",
            "Lambda-Runtime-Invoked-Function-Arn": STORE.arn,
            "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000",
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + STORE.timeout) * 1000)),
        }
        self.answer(200, sent, invocation)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.results.put(json.loads(body))
        self.answer(202, {})


@dataclass(frozen=True)
class Started:
    """The store function, started for a snapshot, and what it sees of the world."""

    runtime: Lambda
    credentials: Credentials
    aws: AWS

    def restore(self) -> None:
        """Go on from the snapshot."""
        self.credentials.restore()
        self.runtime.restored.set()

    def invoke(self, sent: dict[str, Any]) -> dict[str, Any]:
        self.runtime.events.put(sent)
        return self.runtime.results.get(timeout=SECONDS)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    log = tmp_path / "log"
    with Lambda() as runtime, Credentials() as credentials, AWS() as aws, log.open("wb") as output:
        variables = {
            **environment(STORE, f"http://{aws.address}"),
            "AWS_LAMBDA_RUNTIME_API": runtime.address,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
            # In the place of an access key, which would expire with the snapshot.
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{credentials.address}/",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "testing",
        }
        with subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", STORE.handler],
            cwd=STORE.code,
            env=variables,
            stdout=output,
            stderr=output,
        ) as process:
            try:
                assert runtime.snapshot.wait(SECONDS), log.read_text()
                yield Started(runtime, credentials, aws)
            finally:
                process.kill()
                for server in (runtime, credentials, aws):
                    server.shutdown()


def test_a_snapshot_holds_no_connection_to_s3_or_dynamodb(started: Started) -> None:
    assert started.aws.connections == []


def test_a_request_after_the_restore_is_signed_with_credentials_of_then(started: Started) -> None:
    started.restore()
    assert started.invoke(event("store/one-ct"))["statusCode"] in {409, 503}
    keys = {re.findall("Credential=([A-Z]+)/", each)[0] for each in started.aws.signatures}
    assert keys == {"AFTERRESTORE"}

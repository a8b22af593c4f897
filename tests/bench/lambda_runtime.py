"""Lambda's Runtime API, and execution environments: real runtime clients in processes.

An environment is what Lambda makes for a function: a process of Python 3.13 with the function
and its layer on the path, running ``awslambdaric``, AWS's own runtime client. It asks the Runtime
API for the next event and posts the result, one at a time, as it does on AWS.
"""

import json
import queue
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self

from tests.bench import processes

ARN = "arn:aws:lambda:us-east-1:123456789012:function:store"
TIMEOUT_SECONDS = 60

_BODY = "the body of the event"

STORE_ENVIRONMENT = {
    "ARCHIVE_BUCKET": "bench-archive",
    "INDEX_TABLE": "bench-index",
    "STORAGE_PROFILE": "conformance",
    "PREAMBLE_POLICY": "keep",
    "DUPLICATE_POLICY": "reject",
    "OBJECT_LOCK_MODE": "none",
    "OBJECT_LOCK_DAYS": "30",
    "RETRIEVE": "on",
    "POWERTOOLS_SERVICE_NAME": "store",
    "POWERTOOLS_METRICS_NAMESPACE": "Stowport",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_SESSION_TOKEN": "bench" * 100,
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "store",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
    "AWS_LAMBDA_LOG_GROUP_NAME": "bench",
    "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What is deployed: the interpreter, and the folders that Lambda puts on its path.

    ``task`` is the function's, ``layer`` the layer's, ``runtime`` what AWS's image has itself.
    """

    python: str
    task: Path
    layer: Path
    runtime: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def variables(self, endpoint: str) -> dict[str, str]:
        path = ":".join(str(folder) for folder in (self.task, self.layer, self.runtime))
        variables = {**STORE_ENVIRONMENT, "AWS_ENDPOINT_URL": endpoint, "PYTHONPATH": path}
        return {**variables, **self.environment}


@dataclass(frozen=True, slots=True)
class Invocation:
    event: bytes
    result: "Future[bytes]"


class Environment:
    """An execution environment of ``deployment``; ``first`` is the event it starts for."""

    def __init__(
        self,
        deployment: Deployment,
        endpoint: str,
        *,
        handler: str = "store.handler.lambda_handler",
    ) -> None:
        self._invocations: queue.SimpleQueue[Invocation] = queue.SimpleQueue()
        self._api = _RuntimeApi(self._invocations)
        Thread(target=self._api.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{self._api.server_address[1]}"
        self._process = subprocess.Popen(
            [deployment.python, "-m", "awslambdaric", handler],
            cwd=deployment.task,
            env={**deployment.variables(endpoint), "AWS_LAMBDA_RUNTIME_API": address},
            stdout=subprocess.DEVNULL,
            stderr=sys.stderr,
            start_new_session=True,
        )
        self.pid = self._process.pid

    def invoke(self, event: bytes) -> bytes:
        """Return the result of an event, both JSON; RuntimeError if the function raised."""
        result: Future[bytes] = Future()
        self._invocations.put(Invocation(event, result))
        return result.result(TIMEOUT_SECONDS)

    def stop(self) -> None:
        processes.end(self._process)
        self._api.shutdown()
        self._api.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _RuntimeApi(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, invocations: "queue.SimpleQueue[Invocation]") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.invocations = invocations
        self.under_way: Future[bytes] = Future()

    def handle_error(self, request: object, client_address: object) -> None:
        """An environment that is stopped leaves its last question unanswered."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _RuntimeApi

    def do_GET(self) -> None:
        invocation = self.server.invocations.get()
        self.server.under_way = invocation.result
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        deadline = int((time.time() + TIMEOUT_SECONDS) * 1000)
        self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", ARN)
        self.send_header("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
        self._body(invocation.event)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(202)
        self._body(b"{}")
        if self.path.endswith("/response"):
            self.server.under_way.set_result(body)
        else:
            self.server.under_way.set_exception(RuntimeError(body.decode()))

    def _body(self, content: bytes) -> None:
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


class Functions:
    """Lambda for the local gateway: an invocation goes to an environment that is idle.

    Of those it is the one that was last used: where requests come one by one, Lambda would not
    have made a second.
    """

    def __init__(self, environments: Sequence[Environment]) -> None:
        self._idle: queue.LifoQueue[Environment] = queue.LifoQueue()
        for environment in environments:
            self._idle.put(environment)

    def invoke(self, _: object, event: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        environment = self._idle.get()
        try:
            return json.loads(environment.invoke(_as_json(event)))
        finally:
            self._idle.put(environment)


def _as_json(event: dict[str, Any]) -> bytes:
    """Return ``event`` as JSON. To look for escapes in base64 would take longer than the rest."""
    if not event["isBase64Encoded"]:
        return json.dumps(event).encode()
    before, _, after = json.dumps({**event, "body": _BODY}).partition(_BODY)
    return f"{before}{event['body']}{after}".encode()

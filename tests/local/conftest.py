import asyncio
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
import pytest

from local import rest_api
from local.gateway import Gateway
from local.lambda_service import LambdaService
from local.server import Server
from local.template import Template

if TYPE_CHECKING:
    from local.messages import Request, Response

STUB = Path(__file__).parent / "stub" / "template.yaml"


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def seen(self) -> dict[str, Any]:
        """What the stub function says it saw."""
        seen: dict[str, Any] = json.loads(self.body)
        return seen


class Api:
    """The stub API on a loopback port."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.log: list[tuple[Request, Response, float]] = []

    def connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=10)

    def send(
        self, method: str, path: str, body: bytes | Iterator[bytes] = b"", **headers: str
    ) -> Reply:
        """Send one request; ``x_raise="text"`` is the header X-Raise."""
        connection = self.connection()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, names)
        reply = read_reply(connection)
        connection.close()
        return reply

    def post(self, path: str = "/studies", body: bytes = b"", **headers: str) -> Reply:
        return self.send("POST", path, body, **headers)


def read_reply(connection: HTTPConnection) -> Reply:
    response = connection.getresponse()
    return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


@contextmanager
def serve(parameters: Mapping[str, str]) -> Iterator[Api]:
    template = Template(STUB, parameters)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        api = Api(listener.getsockname()[1])
        gateway = Gateway(
            rest_api.read(template),
            LambdaService(template.functions, {}),
            lambda *line: api.log.append(line),
        )
        serving = Event()
        server = Server(gateway, serving.set)
        thread = Thread(target=asyncio.run, args=(server.serve([listener]),))
        thread.start()
        serving.wait(5)
        try:
            yield api
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture(scope="session")
def api() -> Iterator[Api]:
    with serve({}) as api:
        yield api


@pytest.fixture(scope="session")
def api_with_one_slot() -> Iterator[Api]:
    with serve({"MaxSimultaneousRequests": "1"}) as api:
        yield api


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what the code under test does to the environment.

    boto3's default session keeps the environment that it was made with, so each test has its own.
    """
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

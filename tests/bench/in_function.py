"""Runs where the function runs, and times it from inside: no part of Lambda is in the way.

``python in_function.py FOLDER CALLS RESULT`` handles the events in FOLDER, in the order of their
names, each JSON as Lambda has it; the first is a warm-up. CALLS is ``calls`` or ``no-calls``: then
S3 and DynamoDB are replaced by objects that do nothing. Writes a JSON list to the file RESULT, one
object an event: the CPU and wall seconds of the handler with ``json.loads``, and of the floor's
steps.
"""

import gc
import hashlib
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import obstore
from pybase64 import b64decode

from store import handler
from store.settings import settings

T = TypeVar("T")
Times = dict[str, tuple[float, float]]


class Context:
    """As much of Lambda's context as the handler uses."""

    def get_remaining_time_in_millis(self) -> int:
        return 29000


class NoCalls:
    """A client of a DynamoDB that is empty and takes everything at once."""

    def batch_get_item(self, **_: object) -> dict[str, Any]:
        return {"Responses": {}, "UnprocessedKeys": {}}

    def batch_execute_statement(self, Statements: list[Any]) -> dict[str, Any]:  # noqa: N803 - AWS's
        return {"Responses": [{} for _ in Statements]}


def without_calls() -> None:
    archive: Any = handler.archive(settings())
    archive._index._dynamodb = NoCalls()
    vars(obstore)["put"] = lambda *_, **__: {}


def timed(times: Times, name: str, step: Callable[[], T]) -> T:
    cpu, wall = time.process_time(), time.perf_counter()
    result = step()
    times[name] = time.process_time() - cpu, time.perf_counter() - wall
    return result


def floor(times: Times, event: bytes, connection: socket.socket) -> None:
    """Do what no handler can do without, each once."""
    body = timed(times, "json.loads", lambda: json.loads(event))["body"]
    payload = timed(times, "base64", lambda: b64decode(body, validate=True))
    timed(times, "sha256", lambda: hashlib.sha256(payload).digest())
    timed(times, "send", lambda: send(payload, connection))


def send(payload: bytes, connection: socket.socket) -> None:
    head = f"PUT /floor/object HTTP/1.1\r\nContent-Length: {len(payload)}\r\n\r\n"
    connection.sendall(head.encode())
    connection.sendall(payload)
    connection.recv(4096)


def handle(event: bytes) -> None:
    context: Any = Context()
    answer = handler.lambda_handler(json.loads(event), context)
    assert answer["statusCode"] == 200, answer["body"][:500]


def main(folder: Path, calls: str) -> list[Times]:
    if calls == "no-calls":
        without_calls()
    address = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    connection = socket.create_connection((address.hostname, address.port))
    measured = []
    for path in sorted(folder.iterdir()):
        times: Times = {}
        event = path.read_bytes()
        floor(times, event, connection)
        gc.collect()
        timed(times, "handler", partial(handle, event))
        measured.append(times)
    return measured[1:]


if __name__ == "__main__":
    Path(sys.argv[3]).write_text(json.dumps(main(Path(sys.argv[1]), sys.argv[2])), "utf-8")

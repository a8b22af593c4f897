"""``python -m tests.bench.aws_stub PORT [LATENCIES]``: S3 and DynamoDB that answer correctly.

One process, one thread, everything in memory. S3 keeps the names of objects and not their bytes;
DynamoDB keeps items and evaluates the expressions that the archive sends. Every operation is
counted, with the capacity units that DynamoDB would bill. ``/-/`` is for the benchmark itself.

It answers at once, unless LATENCIES is given: then it answers after times of these distributions,
drawn from a fixed seed, and notes what each call was for, when it came, and how long it took.
LATENCIES is a JSON object of ``Latency``'s arguments by operation.
"""

import asyncio
import json
import re
import sys
import zlib
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.bench.capacity import Item, read_units, write_units
from tests.bench.conditions import holds, refused
from tests.bench.latencies import Latency

SEED = 1

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_FIRST = re.compile(r"(#\w+) = if_not_exists\(#\w+, (:\w+)\)")
_KEYWORD = re.compile(r"'(\w+)': \?")
_ADD = re.compile(r"(#\w+) (:\w+)")
_OBJECT = re.compile(r"/studies/([^/]+)/series/[^/]+/instances/([^/]+)/")

Key = tuple[str, str]
Answer = tuple[int, str, bytes]


class Aws:
    """The bucket, the table, and what was asked of them."""

    def __init__(self, latencies: Mapping[str, Latency] | None = None) -> None:
        self.latencies = latencies or {}
        self.random = Random(SEED)
        self.reset()

    def reset(self) -> None:
        self.objects: set[str] = set()
        self.items: dict[Key, Item] = {}
        self.counts: Counter[str] = Counter()
        self.calls: list[dict[str, Any]] = []
        self.call: dict[str, Any] | None = None

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        self.call = None
        if target.startswith("/-/"):
            return 200, "application/json", self.control(target)
        if operation := headers.get("x-amz-target"):
            name = operation.partition(".")[2]
            self.begin(name)
            status, result = getattr(self, f"on_{name}")(json.loads(body))
            return status, "application/x-amz-json-1.0", json.dumps(result).encode()
        assert method == "PUT", method
        return self.put_object(target, headers)

    def begin(self, name: str) -> None:
        self.counts[name] += 1
        self.call = {"operation": name, "study": "", "instances": []}

    def delay(self, size: int) -> float:
        """Return how many seconds the answer to the current call takes, with a body of ``size``."""
        latency = self.latencies.get(self.call["operation"]) if self.call else None
        return latency.draw(self.random, size) if latency else 0.0

    def concerns(self, key: Key) -> Key:
        """Note an item that the current call reads or writes."""
        assert self.call
        study, resource = key
        self.call["study"] = study
        if resource.startswith("instances/"):
            self.call["instances"].append(resource.rpartition("/")[2])
        return key

    def control(self, target: str) -> bytes:
        url = urlsplit(target)
        if url.path == "/-/reset":
            self.reset()
        elif url.path == "/-/calls":
            calls, self.calls = self.calls, []
            return json.dumps(calls).encode()
        elif url.path == "/-/fill":
            query = parse_qs(url.query)
            study, item = query["study"][0], {"SHA256": {"S": "0" * 64}}
            for number in range(int(query["items"][0])):
                self.items[study, f"instances/1.2.3/1.2.{number}"] = item
        return json.dumps(self.counts).encode()

    def put_object(self, target: str, headers: dict[str, str]) -> Answer:
        self.begin("PutObject")
        if found := _OBJECT.search(target):
            self.concerns((found[1], f"instances/{found[2]}"))
        if headers.get("if-none-match") == "*" and target in self.objects:
            return 412, "application/xml", b"<Error><Code>PreconditionFailed</Code></Error>"
        self.objects.add(target)
        return 200, "", b""

    def on_BatchGetItem(self, request: dict[str, Any]) -> tuple[int, object]:  # noqa: N802 - AWS's
        table, wanted = next(iter(request["RequestItems"].items()))
        keys = [self.concerns(_key(key)) for key in wanted["Keys"]]
        found = [self.items[key] for key in keys if key in self.items]
        self.counts["read units"] += sum(read_units(self.items.get(key, {})) for key in keys)
        return 200, {"Responses": {table: found}, "UnprocessedKeys": {}}

    def on_UpdateItem(self, request: dict[str, Any]) -> tuple[int, object]:  # noqa: N802 - AWS's
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        key = self.concerns(_key(request["Key"]))
        if not holds(request, self.items.get(key, {})):
            return refused(self.items[key])
        item = self.items.setdefault(key, dict(request["Key"]))
        sets, _, adds = request["UpdateExpression"].partition("ADD ")
        for name, value in _FIRST.findall(sets):
            item.setdefault(names[name], values[value])
        for name, value in _ADD.findall(adds):
            present = item.setdefault(names[name], {"SS": []})["SS"]
            present += [member for member in values[value]["SS"] if member not in present]
        self.counts["write units"] += write_units(item)
        return 200, {}

    def on_BatchExecuteStatement(self, request: dict[str, Any]) -> tuple[int, object]:  # noqa: N802 - AWS's
        responses: list[dict[str, Any]] = []
        for each in request["Statements"]:
            item = dict(zip(_KEYWORD.findall(each["Statement"]), each["Parameters"], strict=True))
            self.counts["write units"] += write_units(item)
            if self.items.setdefault(self.concerns(_key(item)), item) is item:
                responses.append({"TableName": "index"})
            else:
                responses.append({"TableName": "index", "Error": {"Code": "DuplicateItem"}})
        return 200, {"Responses": responses}

    def on_PutItem(self, request: dict[str, Any]) -> tuple[int, object]:  # noqa: N802 - AWS's
        item = request["Item"]
        key = self.concerns(_key(item))
        self.counts["write units"] += write_units(item)
        if not holds(request, self.items.get(key, {})):
            return refused(self.items.get(key))
        self.items[key] = item
        return 200, {}


def _key(item: Item) -> Key:
    return item["StudyInstanceUID"]["S"], item["Resource"]["S"]


class Connection(asyncio.Protocol):
    """HTTP/1.1 with a Content-Length, as botocore speaks it: one answer after the other."""

    def __init__(self, aws: Aws, loop: asyncio.AbstractEventLoop) -> None:
        self.aws = aws
        self.loop = loop
        self.buffer = bytearray()
        self.head: tuple[str, str, dict[str, str]] | None = None
        self.answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self.read()

    def read(self) -> None:
        while not self.answering and (self.head or b"\r\n\r\n" in self.buffer):
            self.head = self.head or self.read_head()
            method, target, headers = self.head
            length = int(headers.get("content-length", "0"))
            if len(self.buffer) < length:
                return
            body = bytes(self.buffer[:length]) if "x-amz-target" in headers else b""
            del self.buffer[:length]
            self.head = None
            answer = self.aws.answer(method, target, headers, body)
            if self.aws.latencies and self.aws.call:
                self.answering = True
                came = self.loop.time()
                delay = self.aws.delay(length)
                self.loop.call_later(delay, self.reply_late, self.aws.call, came, answer)
            else:
                self.reply(*answer)

    def reply_late(self, call: dict[str, Any], came: float, answer: Answer) -> None:
        self.answering = False
        self.aws.calls.append({**call, "came": came, "seconds": self.loop.time() - came})
        self.reply(*answer)
        self.read()

    def read_head(self) -> tuple[str, str, dict[str, str]]:
        end = self.buffer.index(b"\r\n\r\n")
        start, *lines = self.buffer[:end].decode("latin-1").split("\r\n")
        del self.buffer[: end + 4]
        method, target, _ = start.split(" ")
        fields = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in fields}
        if "expect" in headers:
            self.transport.write(_CONTINUE)
        return method, target, headers

    def reply(self, status: int, media_type: str, body: bytes) -> None:
        head = f"HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\nx-amz-request-id: 1\r\n"
        if media_type:
            head += f"Content-Type: {media_type}\r\nx-amz-crc32: {zlib.crc32(body)}\r\n"
        else:
            head += 'ETag: "0123456789abcdef0123456789abcdef"\r\n'
        self.transport.write(head.encode() + b"\r\n" + body)


async def serve(port: int, latencies: Mapping[str, Latency]) -> None:
    aws = Aws(latencies)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(aws, loop), "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    given = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    asyncio.run(serve(int(sys.argv[1]), {name: Latency(**each) for name, each in given.items()}))

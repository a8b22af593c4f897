"""``python -m tests.bench.aws_stub PORT``: S3 and DynamoDB that do nothing but answer correctly.

One process, one thread, everything in memory. S3 keeps the names of objects and not their bytes;
DynamoDB keeps items and evaluates the expressions that the archive sends. Every operation is
counted, with the capacity units that DynamoDB would bill. ``/-/`` is for the benchmark itself.
"""

import asyncio
import json
import re
import sys
import zlib
from collections import Counter
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.bench.capacity import Item, read_units, write_units

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_FIRST = re.compile(r"(#\w+) = if_not_exists\(#\w+, (:\w+)\)")
_KEYWORD = re.compile(r"'(\w+)': \?")
_ADD = re.compile(r"(#\w+) (:\w+)")

Answer = tuple[int, str, bytes]


class Aws:
    """The bucket, the table, and what was asked of them."""

    def __init__(self) -> None:
        self.objects: set[str] = set()
        self.items: dict[tuple[str, str], Item] = {}
        self.counts: Counter[str] = Counter()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        if target.startswith("/-/"):
            return 200, "application/json", self.control(target)
        if operation := headers.get("x-amz-target"):
            name = operation.partition(".")[2]
            self.counts[name] += 1
            status, result = getattr(self, f"on_{name}")(json.loads(body))
            return status, "application/x-amz-json-1.0", json.dumps(result).encode()
        assert method == "PUT", method
        return self.put_object(target, headers)

    def control(self, target: str) -> bytes:
        url = urlsplit(target)
        if url.path == "/-/reset":
            self.__init__()  # type: ignore[misc]  # all of its state, as when it started
        elif url.path == "/-/fill":
            query = parse_qs(url.query)
            study, item = query["study"][0], {"SHA256": {"S": "0" * 64}}
            for number in range(int(query["items"][0])):
                self.items[study, f"instances/1.2.3/1.2.{number}"] = item
        return json.dumps(self.counts).encode()

    def put_object(self, target: str, headers: dict[str, str]) -> Answer:
        self.counts["PutObject"] += 1
        if headers.get("if-none-match") == "*" and target in self.objects:
            return 412, "application/xml", b"<Error><Code>PreconditionFailed</Code></Error>"
        self.objects.add(target)
        return 200, "", b""

    def on_BatchGetItem(self, request: dict[str, Any]) -> tuple[int, object]:  # noqa: N802 - AWS's
        table, wanted = next(iter(request["RequestItems"].items()))
        keys = [(key["StudyInstanceUID"]["S"], key["Resource"]["S"]) for key in wanted["Keys"]]
        found = [self.items[key] for key in keys if key in self.items]
        self.counts["read units"] += sum(read_units(self.items.get(key, {})) for key in keys)
        return 200, {"Responses": {table: found}, "UnprocessedKeys": {}}

    def on_UpdateItem(self, request: dict[str, Any]) -> tuple[int, object]:  # noqa: N802 - AWS's
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        item = self.items.setdefault(_key(request["Key"]), dict(request["Key"]))
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
            if self.items.setdefault(_key(item), item) is item:
                responses.append({"TableName": "index"})
            else:
                responses.append({"TableName": "index", "Error": {"Code": "DuplicateItem"}})
        return 200, {"Responses": responses}

    def on_PutItem(self, request: dict[str, Any]) -> tuple[int, object]:  # noqa: N802 - AWS's
        item, over = request["Item"], request["ExpressionAttributeValues"][":over"]
        present = self.items.get(_key(item))
        self.counts["write units"] += write_units(item)
        if present and present["SHA256"] != over:
            kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
            return 400, {"__type": kind, "message": "", "Item": present}
        self.items[_key(item)] = item
        return 200, {}


def _key(item: Item) -> tuple[str, str]:
    return item["StudyInstanceUID"]["S"], item["Resource"]["S"]


class Connection(asyncio.Protocol):
    """HTTP/1.1 with a Content-Length, as botocore speaks it."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.buffer = bytearray()
        self.head: tuple[str, str, dict[str, str]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while self.head or b"\r\n\r\n" in self.buffer:
            self.head = self.head or self.read_head()
            method, target, headers = self.head
            length = int(headers.get("content-length", "0"))
            if len(self.buffer) < length:
                return
            body = bytes(self.buffer[:length]) if "x-amz-target" in headers else b""
            del self.buffer[:length]
            self.head = None
            self.reply(*self.aws.answer(method, target, headers, body))

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


async def serve(port: int) -> None:
    aws = Aws()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(aws), "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))

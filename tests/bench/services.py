"""``python -m tests.bench.services PORT``: the stand-in for AWS, with what other functions ask it.

Staged bodies, the table of uploads, queries of a partition and the event bus, as far as ingest,
uploads, retrieve and notify use them. ``/-/stage`` and ``/-/multiply`` are for the benchmark.
"""

import asyncio
import json
import re
import sys
from bisect import bisect_right
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.bench.aws_stub import Answer, Aws, Connection
from tests.bench.capacity import Item, item_bytes, read_units
from tests.bench.instances import SERIES, SOP, STUDY

PAGE_BYTES = 1_000_000
"""How much a query reads of a partition (Amazon DynamoDB Developer Guide, "Query")."""

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class Services(Aws):
    """The bucket with one staged body, both tables, and the bus."""

    def reset(self) -> None:
        super().reset()
        self.staged = b""
        self.upload: Item = {}
        self.sorted: list[str] = []
        item = instance_item()
        self.items[item["StudyInstanceUID"]["S"], item["Resource"]["S"]] = item

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        if method == "DELETE":
            self.begin("DeleteObject")
            return 204, "", b""
        if method == "GET" and not target.startswith("/-/"):
            self.begin("GetObject")
            first, last = map(int, _RANGE.findall(headers["range"])[0])
            return 206, "", self.staged[first : last + 1]
        return super().answer(method, target, headers, body)

    def control(self, target: str) -> bytes:
        url = urlsplit(target)
        query = parse_qs(url.query)
        if url.path == "/-/stage":
            self.staged = Path(query["file"][0]).read_bytes()
            self.upload = json.loads(query["upload"][0])
        elif url.path == "/-/multiply":
            self.multiply(query["study"][0], int(query["items"][0]))
        return super().control(target)

    def multiply(self, study: str, items: int) -> None:
        """Fill the study with copies of its last instance, of other numbers, to so many items."""
        of_study = [key for key in self.items if key[0] == study]
        first = max(resource for _, resource in of_study if resource.startswith("instances/"))
        item = self.items[study, first]
        for number in range(items - len(of_study)):
            resource = f"{first[:-6]}{number:06}"
            sop = resource.rpartition("/")[2]
            copied = {**item, "Resource": {"S": resource}, "SOPInstanceUID": {"S": sop}}
            self.items[study, resource] = copied
        self.sorted = sorted(resource for each, resource in self.items if each == study)

    def on_GetItem(self, request: dict[str, Any]) -> tuple[int, object]:  # noqa: N802 - AWS's
        key = request["Key"]
        item = self.items.get((key["StudyInstanceUID"]["S"], key["Resource"]["S"]), {})
        self.counts["read units"] += read_units(item)
        return 200, {"Item": item} if item else {}

    def on_Query(self, request: dict[str, Any]) -> tuple[int, object]:  # noqa: N802 - AWS's
        """Answer for the study that was multiplied: up to 1 MB from the exclusive start on."""
        values = request["ExpressionAttributeValues"]
        study, below = values[":study"]["S"], values.get(":below", {"S": ""})["S"]
        forward = request.get("ScanIndexForward", True)
        after = request.get("ExclusiveStartKey", {"Resource": {"S": below}})["Resource"]["S"]
        at = bisect_right(self.sorted, after) if forward else len(self.sorted)
        if not forward and "ExclusiveStartKey" in request:
            at = bisect_right(self.sorted, after) - 1
        found: list[Item] = []
        size, more = 0, False
        while at < len(self.sorted) if forward else at > 0:
            resource = self.sorted[at if forward else at - 1]
            if not resource.startswith(below):
                break
            if size >= PAGE_BYTES or len(found) == request.get("Limit"):
                more = True
                break
            item = self.items[study, resource]
            found.append(item)
            size += item_bytes(item)
            at += 1 if forward else -1
        self.counts["read units"] += -(-size // 4096)
        result: dict[str, Any] = {"Count": len(found)}
        if request.get("Select") != "COUNT":
            names = request.get("ExpressionAttributeNames", {})
            wanted = [
                names[each] for each in request.get("ProjectionExpression", "").split(", ") if each
            ]
            result["Items"] = [
                {name: item[name] for name in wanted if name in item} if wanted else item
                for item in found
            ]
        if more or (found and len(found) == request.get("Limit")):
            result["LastEvaluatedKey"] = {
                name: found[-1][name] for name in ("StudyInstanceUID", "Resource")
            }
        return 200, result

    def on_PutItem(self, request: dict[str, Any]) -> tuple[int, object]:  # noqa: N802 - AWS's
        return (200, {}) if "Upload" in request["Item"] else super().on_PutItem(request)

    def on_UpdateItem(self, request: dict[str, Any]) -> tuple[int, object]:  # noqa: N802 - AWS's
        """Answer with the staged upload, or that one of the sender is pending."""
        if "Upload" not in request["Key"]:
            return super().on_UpdateItem(request)
        return 200, {"Attributes": self.upload or {"Pending": {"N": "1"}}}

    def on_PutEvents(self, request: dict[str, Any]) -> tuple[int, object]:  # noqa: N802 - AWS's
        return 200, {
            "FailedEntryCount": 0,
            "Entries": [{"EventId": "1"} for _ in request["Entries"]],
        }


def instance_item() -> Item:
    """Return an item of the instance that the benchmark sends, as the archive writes it."""
    return {
        "StudyInstanceUID": {"S": STUDY},
        "Resource": {"S": f"instances/{SERIES}/{SOP}"},
        "SOPInstanceUID": {"S": SOP},
        "SOPClassUID": {"S": "1.2.840.10008.5.1.4.1.1.2"},
        "TransferSyntaxUID": {"S": "1.2.840.10008.1.2.1"},
        "NumberOfFrames": {"N": "1"},
        "Size": {"N": "3014"},
        "SHA256": {"S": "0" * 64},
        "Stored": {"S": "2026-01-02T10:11:12.131+00:00"},
        "Request": {"S": "post 3f9d2a1e-0c5b-4d59-9f57-6a0a5f1c2b3d anonymous"},
    }


def stream_event() -> dict[str, Any]:
    """Return Lambda's event of one record of the table's stream: an instance was stored."""
    item = instance_item()
    keys = {name: item[name] for name in ("StudyInstanceUID", "Resource")}
    record = {
        "eventSource": "aws:dynamodb",
        "eventName": "INSERT",
        "dynamodb": {"Keys": keys, "NewImage": item, "SequenceNumber": "1"},
    }
    return {"Records": [record]}


async def serve(port: int) -> None:
    services = Services()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(services, loop), "127.0.0.1", port, backlog=512
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))

"""The queue's messages: EventBridge's events, sent through SQS, that a body is in S3."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archive.staging import StagedBody


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A staged body, and the number of the attempt to ingest it (from 1).

    The queue knows the attempt by its ``receipt``.
    """

    body: StagedBody
    attempt: int
    receipt: str


def read_message(event: Mapping[str, Any]) -> Message:
    """Read the one message of Lambda's event for SQS, an ``Object Created`` of EventBridge."""
    (record,) = event["Records"]
    created = json.loads(record["body"])["detail"]["object"]
    return Message(
        body=StagedBody(
            key=created["key"],
            size=created["size"],
            etag=f'"{created["etag"]}"',  # EventBridge leaves the quotes out
            version=created.get("version-id", ""),
        ),
        attempt=int(record["attributes"]["ApproximateReceiveCount"]),
        receipt=record["receiptHandle"],
    )

"""The event that S3 sends EventBridge for a new object, in AWS's form.

moto sends it too, but with other names (``eTag``), and twice for a multipart upload.
"""

import time
from secrets import token_hex
from typing import Any
from uuid import uuid4

# moto's own function is replaced by ours, which hands moto's EventBridge the event.
from moto.events.models import events_backends
from moto.s3 import notifications  # the same
from moto.s3.notifications import S3NotificationEvent  # the same

_REASONS = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
}


def send_as_aws() -> None:
    """Make moto's S3 send EventBridge the events that S3 sends for new objects, and no others."""
    vars(notifications)["send_event"] = _send


def _send(account: str, event_name: S3NotificationEvent, bucket: Any, key: Any) -> None:  # noqa: ANN401  moto's
    configuration = bucket.notification_configuration
    reason = _REASONS.get(event_name.value)
    # moto makes the object of a completed upload by a put, of which S3 says nothing.
    part_of_upload = reason == "PutObject" and key.multipart is not None
    if reason is None or part_of_upload or not configuration or configuration.event_bridge is None:
        return
    event = _event(account, reason, bucket, key)
    for rule in _rules(account, bucket.region_name):
        rule.send_to_targets(event, transform_input=False)


def _rules(account: str, region: str) -> list[Any]:
    return list(events_backends[account][region].event_buses["default"].rules.values())


def _event(account: str, reason: str, bucket: Any, key: Any) -> dict[str, Any]:  # noqa: ANN401  moto's
    version = {} if key.version_id == "null" else {"version-id": key.version_id}
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": account,
        "time": time.time(),  # which moto writes as AWS does
        "region": bucket.region_name,
        "resources": [bucket.arn],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": {
                "key": key.name,
                "size": key.size,
                "etag": key.etag.strip('"'),
                **version,
                "sequencer": token_hex(8).upper(),
            },
            "request-id": token_hex(8).upper(),
            "requester": account,
            "source-ip-address": "127.0.0.1",
            "reason": reason,
        },
    }

"""What CloudWatch Logs hands to a function that is subscribed to the access log."""

import gzip
import json
from base64 import b64encode
from typing import Any

from tests.template.parts import API

FORMAT = json.loads(API["AccessLogSetting"]["Format"])
UNAUTHORIZED = {"status": "401", "responseType": "UNAUTHORIZED"}
DENIED = {"status": "403", "responseType": "ACCESS_DENIED", "principal": "1f0e3dad99908345"}


def line(**values: str) -> dict[str, str]:
    """Return a line of the access log as the template has API Gateway write it."""
    written = {
        "time": "1795897310123",
        "sourceIp": "192.0.2.7",
        "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "method": "POST",
        "resource": "/studies/{study}",
    }
    assert {*written, *values} <= FORMAT.keys()
    return {name: {**written, **values}.get(name, "-") for name in FORMAT}


def subscription(*lines: dict[str, str], kind: str = "DATA_MESSAGE") -> dict[str, Any]:
    """Return the event of the function for ``lines``."""
    events = [
        {"id": str(number), "timestamp": 1795897310123, "message": json.dumps(each)}
        for number, each in enumerate(lines)
    ]
    packed = gzip.compress(json.dumps({"messageType": kind, "logEvents": events}).encode())
    return {"awslogs": {"data": b64encode(packed).decode()}}

"""Audit messages of refused requests, from lines of the access log.

CloudWatch Logs hands the function the lines that its filter matches:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

import gzip
import json
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dicomweb.audit.messages import security_alert, user_authentication
from dicomweb.audit.participants import Origin, User

_ABSENT = "-"
"""What API Gateway writes for a variable that has no value."""

_UNAUTHORIZED = "UNAUTHORIZED"


def messages(data: str, source: str) -> list[str]:
    """Return a message for each line of the access log in ``data``, as CloudWatch Logs packs them.

    CloudWatch Logs also sends data without lines of a log, to check that it arrives.
    """
    packed = json.loads(gzip.decompress(b64decode(data)))
    if packed["messageType"] != "DATA_MESSAGE":
        return []
    return [message(json.loads(event["message"]), source) for event in packed["logEvents"]]


def message(line: Mapping[str, Any], source: str) -> str:
    """Return the message of a refused request: no valid token, or one that does not suffice."""
    time = datetime.fromtimestamp(int(line["time"]) / 1000, UTC)
    origin = Origin(time.isoformat(timespec="milliseconds"), source)
    address = line["sourceIp"]
    if line["responseType"] == _UNAUTHORIZED:
        return user_authentication(origin, address)
    principal = line["principal"]
    user = User(address if principal == _ABSENT else principal, address)
    return security_alert(
        origin,
        user,
        line["resource"],
        f"{line['method']} was refused with {line['status']} ({line['responseType']}), "
        f"request {line['requestId']}",
    )

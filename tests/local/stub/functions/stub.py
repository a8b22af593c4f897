"""Functions that do what the request tells them to."""

import json
import os
import time
from typing import Any


def store(event: dict[str, Any], context: Any) -> Any:  # noqa: ANN401  any result, on purpose
    headers = event["headers"]
    time.sleep(float(headers.get("x-sleep", "0")))
    if "x-raise" in headers:
        raise ValueError(headers["x-raise"])
    if "x-grow" in headers:
        return {"statusCode": 200, "body": "x" * int(headers["x-grow"])}
    if "x-result" in headers:
        return json.loads(headers["x-result"])
    seen = {
        "event": event,
        "bucket": os.environ["STUB_BUCKET"],
        "function": context.function_name,
        "milliseconds": context.get_remaining_time_in_millis(),
    }
    return {"statusCode": 200, "body": json.dumps(seen)}


def authorizer(event: dict[str, Any], _context: object) -> Any:  # noqa: ANN401  any result
    headers = event["headers"]
    if "authorization" not in headers:
        raise PermissionError("Unauthorized")
    if "x-raise" in headers:
        raise ValueError(headers["x-raise"])
    if "x-output" in headers:
        return json.loads(headers["x-output"])
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": headers["authorization"],
        "Resource": event["methodArn"],
    }
    return {
        "principalId": "someone",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"type": event["type"], "has_body": "body" in event},
    }


def ingest(event: dict[str, Any], _context: object) -> None:
    (record,) = event["Records"]
    key = json.loads(record["body"])["detail"]["object"]["key"]
    if "slow" in key:
        time.sleep(20 if "slowest" in key else 0.8)
    if "bad" in key:
        raise ValueError(key)

"""What API Gateway (REST API, payload format 1.0) and SQS hand to the functions."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

Event = dict[str, Any]

STAGE = "dicomweb"
_API, _ACCOUNT, _REGION = "a1b2c3d4e5", "123456789012", "eu-central-1"
_HOST = f"{_API}.execute-api.{_REGION}.amazonaws.com"
_BINARY = ("multipart/related", "application/dicom")


def store_event(
    payload: bytes = b"",
    content_type: str | None = None,
    *,
    study: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Event:
    """Return a Lambda proxy integration's event; ``study`` is that of the target resource.

    A payload of the API's binary media types is in base64, of any other it is text, and ruined
    if it was none.
    """
    fields = dict(headers or {}) | ({"Content-Type": content_type} if content_type else {})
    resource, path = ("/studies/{study}", f"/studies/{study}") if study else ("/studies",) * 2
    encoded = (content_type or "").partition(";")[0] in _BINARY
    body = b64encode(payload).decode("ascii") if encoded else payload.decode("utf-8", "replace")
    return {
        **_request("POST", resource, path, fields),
        "pathParameters": {"study": study} if study else None,
        "body": body or None,
        "isBase64Encoded": encoded,
    }


def announcement_event(announcement: object) -> Event:
    """Return the event of POST /uploads, whose payload is JSON."""
    request = _request("POST", "/uploads", "/uploads", {"Content-Type": "application/json"})
    body = announcement if isinstance(announcement, str) else json.dumps(announcement)
    return {**request, "pathParameters": None, "body": body, "isBase64Encoded": False}


def upload_event(upload: str, headers: Mapping[str, str] | None = None) -> Event:
    """Return the event of GET /uploads/{id}."""
    request = _request("GET", "/uploads/{id}", f"/uploads/{upload}", headers or {})
    in_path = {"pathParameters": {"id": upload}}
    return {**request, **in_path, "body": None, "isBase64Encoded": False}


RETRIEVED = {
    0: "/studies",
    1: "/studies/{study}",
    2: "/studies/{study}/series/{series}",
    3: "/studies/{study}/series/{series}/instances/{instance}",
}


def retrieve_event(
    *uids: str,
    below: str = "",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str | list[str]] | None = None,
) -> Event:
    """Return the event of a GET or HEAD of what the UIDs name, or of a path ``below`` it."""
    in_path = dict(zip(("study", "series", "instance"), uids, strict=False))
    resource = RETRIEVED[len(uids)] + below
    asked = {
        name: [value] if isinstance(value, str) else value for name, value in (query or {}).items()
    }
    return {
        **_request(method, resource, resource.format(**in_path), headers or {}),
        "pathParameters": in_path or None,
        "queryStringParameters": {name: values[-1] for name, values in asked.items()} or None,
        "multiValueQueryStringParameters": asked or None,
        "body": None,
        "isBase64Encoded": False,
    }


def commitment_event(
    method: str,
    transaction: str,
    payload: bytes = b"",
    content_type: str = "application/dicom+json",
    headers: Mapping[str, str] | None = None,
) -> Event:
    """Return the event of POST or GET /commitment-requests/{transaction}."""
    resource = "/commitment-requests/{transaction}"
    fields = {**(headers or {}), **({"Content-Type": content_type} if payload else {})}
    request = _request(method, resource, f"/commitment-requests/{transaction}", fields)
    return {
        **request,
        "pathParameters": {"transaction": transaction},
        "body": b64encode(payload).decode("ascii") or None,
        "isBase64Encoded": bool(payload),
    }


def staged_event(bucket: str, staged: Mapping[str, object], *, attempt: int = 1) -> Event:
    """Return what Lambda hands on from SQS when EventBridge tells of an object in S3.

    ``staged`` has the object's key, size, etag and, in a bucket with versions, version-id.
    """
    created = {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": _ACCOUNT,
        "time": "2026-01-02T10:11:12Z",
        "region": _REGION,
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket},
            "object": {**staged, "sequencer": "00617F08299329D189"},
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": _ACCOUNT,
            "source-ip-address": "192.0.2.7",
            "reason": "PutObject",
        },
    }
    record = {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": json.dumps(created),
        "attributes": {
            "ApproximateReceiveCount": str(attempt),
            "SentTimestamp": "1767348672000",
            "SenderId": _ACCOUNT,
            "ApproximateFirstReceiveTimestamp": "1767348672001",
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:ingest",
        "awsRegion": _REGION,
    }
    return {"Records": [record]}


def options_event(path: str, headers: Mapping[str, str] | None = None) -> Event:
    """Return the event of an OPTIONS request, which has no payload and no token."""
    request = _request("OPTIONS", path, path, headers or {})
    return {**request, "pathParameters": None, "body": None, "isBase64Encoded": False}


def authorizer_event(headers: Mapping[str, str] | None = None) -> Event:
    """Return what a Lambda authorizer of type REQUEST gets: the request without its payload."""
    arn = f"arn:aws:execute-api:{_REGION}:{_ACCOUNT}:{_API}/{STAGE}/POST/studies"
    return {
        "type": "REQUEST",
        "methodArn": arn,
        **_request("POST", "/studies", "/studies", headers or {}),
        "pathParameters": {},
    }


def _request(method: str, resource: str, path: str, headers: Mapping[str, str]) -> Event:
    fields = {
        "Accept": "application/dicom+xml",
        "Host": _HOST,
        "User-Agent": "example",
        "X-Forwarded-For": "192.0.2.7",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
        **headers,
    }
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": fields,
        "multiValueHeaders": {name: [value] for name, value in fields.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": _ACCOUNT,
            "apiId": _API,
            "domainName": _HOST,
            "domainPrefix": _API,
            "httpMethod": method,
            "identity": {"sourceIp": "192.0.2.7", "userAgent": "example"},
            "path": f"/{STAGE}{path}",
            "protocol": "HTTP/1.1",
            "requestId": "3f9d2a1e-0c5b-4d59-9f57-6a0a5f1c2b3d",
            "requestTime": "02/Jan/2026:10:11:12 +0000",
            "requestTimeEpoch": 1767348672000,
            "resourceId": "r1s2t3",
            "resourcePath": resource,
            "stage": STAGE,
        },
    }

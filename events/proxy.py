"""What API Gateway hands to the two functions (REST API, payload format 1.0)."""

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

"""The Lambda proxy integration's event: an HTTP request as a REST API hands it to a function.

Payload format 1.0. Header names arrive in lower case, as they do over HTTP/2, so a function
that expects one spelling only fails here. The stage is not in the path, as behind a custom domain
name.
"""

import base64
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from local.messages import Request, is_binary
from local.rest_api import Api, Route
from local.template import ACCOUNT, REGION

_DROPPED_FROM_REQUESTS = {
    "connection",
    "content-length",
    "expect",
    "te",
    "transfer-encoding",
    "x-forwarded-for",
    "x-forwarded-port",
    "x-forwarded-proto",
}
_API_ID = "local"


def event(
    request: Request, route: Route, api: Api, path_parameters: Mapping[str, str]
) -> dict[str, Any]:
    """Return the event that API Gateway sends for ``request``, without the authorizer's context."""
    headers = [
        *(item for item in request.headers if item[0] not in _DROPPED_FROM_REQUESTS),
        ("X-Forwarded-For", request.source_ip),
        ("X-Forwarded-Port", request.header("host").rpartition(":")[2]),
        ("X-Forwarded-Proto", "http"),
    ]
    query = parse_qsl(request.query, keep_blank_values=True)
    encoded = bool(request.body) and is_binary(
        request.header("content-type"), api.binary_media_types
    )
    return {
        "resource": route.resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": dict(headers),
        "multiValueHeaders": _multi_value(headers),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _multi_value(query) or None,
        "pathParameters": dict(path_parameters) or None,
        "stageVariables": None,
        "requestContext": _request_context(request, route, api),
        "body": _body(request.body, encoded=encoded),
        "isBase64Encoded": encoded,
    }


def method_arn(request: Request, api: Api) -> str:
    """Return the ARN by which an authorizer's policy names ``request``."""
    path = request.path.strip("/")
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{_API_ID}/{api.stage}/{request.method}/{path}"


def _body(body: bytes, *, encoded: bool) -> str | None:
    if encoded:
        return base64.b64encode(body).decode("ascii")
    return body.decode("utf-8", "replace") or None


def _multi_value(items: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in items:
        values.setdefault(name, []).append(value)
    return values


def _request_context(request: Request, route: Route, api: Api) -> dict[str, Any]:
    now = time.time()
    return {
        "accountId": ACCOUNT,
        "apiId": _API_ID,
        "domainName": request.header("host").partition(":")[0],
        "domainPrefix": _API_ID,
        "extendedRequestId": request.request_id,
        "httpMethod": request.method,
        "identity": {
            "accessKey": None,
            "accountId": None,
            "caller": None,
            "cognitoAuthenticationProvider": None,
            "cognitoAuthenticationType": None,
            "cognitoIdentityId": None,
            "cognitoIdentityPoolId": None,
            "principalOrgId": None,
            "sourceIp": request.source_ip,
            "user": None,
            "userAgent": request.header("user-agent"),
            "userArn": None,
        },
        "path": request.path,
        "protocol": "HTTP/1.1",
        "requestId": request.request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": _API_ID,
        "resourcePath": route.resource,
        "stage": api.stage,
    }

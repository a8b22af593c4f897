"""The Lambda proxy integration: HTTP request to event, and result to HTTP response.

Both shapes are those of a REST API (payload format 1.0). Header names arrive in lower case,
as they do over HTTP/2, so a function that looks for one spelling only is found out here.
"""

import base64
import binascii
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qsl
from uuid import uuid4

from local.template import ACCOUNT, REGION, Api, Route

Headers = list[tuple[str, str]]

_DROPPED_FROM_REQUESTS = {"connection", "content-length", "expect", "te", "transfer-encoding"}
_REMAPPED_IN_RESPONSES = {
    "authorization",
    "connection",
    "content-length",
    "content-md5",
    "date",
    "expect",
    "host",
    "max-forwards",
    "proxy-authenticate",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "www-authenticate",
}
_RESULT_KEYS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class MalformedProxyResponse(Exception):
    """The function's result is not a proxy response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request. ``path`` is as sent, percent-encoded and without the query."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    source_ip: str
    request_id: str = field(default_factory=lambda: str(uuid4()))

    def header(self, name: str, default: str = "") -> str:
        """Return the last value of the header ``name``, given in lower case."""
        return dict(self.headers).get(name, default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP response."""

    status_code: int
    headers: Headers
    body: bytes


def is_binary(media_type: str, binary_media_types: Iterable[str]) -> bool:
    """Return whether ``media_type``, whatever its parameters, is among the API's binary types."""
    essence = re.split("[;,]", media_type, maxsplit=1)[0].strip().lower()
    return bool({essence, f"{essence.partition('/')[0]}/*", "*/*"} & set(binary_media_types))


def event(
    request: Request, route: Route, api: Api, path_parameters: Mapping[str, str]
) -> dict[str, Any]:
    """Return the event that API Gateway sends for ``request``, without the authorizer's context."""
    headers = [item for item in request.headers if item[0] not in _DROPPED_FROM_REQUESTS]
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


def response(result: object, accept: str, binary_media_types: Iterable[str]) -> Response:
    """Return the HTTP response that ``result`` stands for.

    A body is decoded from base64 only if the client accepts, first of all, a binary type.

    Raises
    ------
    MalformedProxyResponse
        ``result`` has no status, unknown keys, or parts that are no header or text.
    """
    if not isinstance(result, dict) or "statusCode" not in result or set(result) - _RESULT_KEYS:
        raise MalformedProxyResponse("statusCode is missing, or there are other keys")
    text = result.get("body") or ""
    if not isinstance(text, str):
        raise MalformedProxyResponse("the body is not text")
    single, multi = _mapping(result.get("headers")), _mapping(result.get("multiValueHeaders"))
    headers = _remapped(_merged(single, multi))
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    decode = result.get("isBase64Encoded") is True and is_binary(accept, binary_media_types)
    return Response(
        status_code=_status_code(result["statusCode"]),
        headers=headers,
        body=_decoded(text) if decode else text.encode("utf-8", "replace"),
    )


_API_ID = "local"


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


def _status_code(value: object) -> int:
    try:
        code = int(str(value))
    except ValueError:
        raise MalformedProxyResponse("statusCode is not a number") from None
    if not 200 <= code <= 599:  # noqa: PLR2004  the statuses a response ends with
        raise MalformedProxyResponse(f"statusCode is {code}")
    return code


def _merged(single: Mapping[str, object], multi: Mapping[str, object]) -> Headers:
    """Return both kinds of headers as one list; a pair that is in both is there once."""
    values = [*single.items()]
    for name, many in multi.items():
        if not isinstance(many, list):
            raise MalformedProxyResponse("a value in multiValueHeaders is no list")
        values += [(name, value) for value in many]
    return list(dict.fromkeys(_header(name, value) for name, value in values))


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value or {}, dict):
        raise MalformedProxyResponse("headers are not a mapping")
    return cast("Mapping[str, object]", value or {})


def _header(name: str, value: object) -> tuple[str, str]:
    if not isinstance(value, str | int | float):
        raise MalformedProxyResponse(f"the value of {name} is not text")
    text = str(value).lower() if isinstance(value, bool) else str(value).strip()
    if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(text):
        raise MalformedProxyResponse("a header has a character that HTTP does not allow")
    return name, text


def _remapped(headers: Headers) -> Headers:
    return [
        (f"x-amzn-Remapped-{name}" if name.lower() in _REMAPPED_IN_RESPONSES else name, value)
        for name, value in headers
    ]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise MalformedProxyResponse("the body is not base64") from error

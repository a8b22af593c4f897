"""The Lambda proxy integration's result, and the HTTP response that it stands for."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import cast

from local.messages import Headers, Response, is_binary

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


def response(result: object, accept: str, binary_media_types: Iterable[str]) -> Response:
    """Return the HTTP response that ``result`` stands for.

    A body is decoded from base64 only if the client accepts, first of all, a binary type.

    Raises
    ------
    MalformedProxyResponse
        ``result`` has no status, has unknown keys, or its headers or body are not valid.
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


def _status_code(value: object) -> int:
    try:
        code = int(str(value))
    except ValueError:
        raise MalformedProxyResponse("statusCode is not a number") from None
    if not 200 <= code <= 599:  # noqa: PLR2004  the statuses a response ends with
        raise MalformedProxyResponse(f"statusCode is {code}")
    return code


def _merged(single: Mapping[str, object], multi: Mapping[str, object]) -> Headers:
    """Return both kinds of headers as one list, in which a pair that is in both occurs once."""
    values = [*single.items()]
    for name, many in multi.items():
        if not isinstance(many, list):
            raise MalformedProxyResponse("a value in multiValueHeaders is not a list")
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

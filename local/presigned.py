"""What S3 checks of a presigned request, and moto does not: expiry, signed headers, signature.

A signed header has to be sent as it was signed, which the signature proves. So the Content-Type,
Content-Length and If-None-Match of a presigned PUT are those that were announced. A request that
is neither presigned nor signed is refused, except for a browser's preflight.
"""

import os
import time
from calendar import timegm
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

# botocore signs only requests of its own clients; those that come in are signed again to compare.
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest  # the same
from botocore.credentials import Credentials  # the same

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_REQUIRED = {"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"}
_LONGEST_EXPIRES = 7 * 24 * 3600


class _Refused(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class PresignedRequests:
    """WSGI middleware that refuses a presigned request which S3 would refuse.

    The keys are those in the environment, with which requests are presigned (``aws.use``).
    """

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application

    def __call__(self, environ: "WSGIEnvironment", respond: "StartResponse") -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        try:
            _check(environ)
        except _Refused as refused:
            respond(f"403 {HTTPStatus.FORBIDDEN.phrase}", [("Content-Type", "application/xml")])
            text = f"<Code>{refused.code}</Code><Message>{escape(str(refused))}</Message>"
            return [f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{text}</Error>'.encode()]
        return self._application(environ, respond)


def _check(environ: "WSGIEnvironment") -> None:
    if environ["REQUEST_METHOD"] == "OPTIONS" or "HTTP_AUTHORIZATION" in environ:
        return
    query = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
    if "X-Amz-Signature" not in query:
        raise _Refused("AccessDenied", "Access Denied")
    if missing := _REQUIRED - set(query):
        _malformed(f"{', '.join(sorted(missing))} expected")
    _check_time(query)
    _check_signature(environ, query)


def _check_time(query: dict[str, str]) -> None:
    try:
        begin = timegm(time.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ"))
        seconds = int(query["X-Amz-Expires"])
    except ValueError:
        _malformed("X-Amz-Date or X-Amz-Expires is malformed")
    if not 0 < seconds <= _LONGEST_EXPIRES:
        _malformed("X-Amz-Expires must be from 1 second to a week")
    if time.time() > begin + seconds:
        raise _Refused("AccessDenied", "Request has expired")


def _check_signature(environ: "WSGIEnvironment", query: dict[str, str]) -> None:
    names = query["X-Amz-SignedHeaders"].split(";")
    for name in _amazon_headers(environ):
        if name not in names:
            text = "There were headers present in the request which were not signed"
            raise _Refused("AccessDenied", f"{text}: {name}")
    key, *scope = query["X-Amz-Credential"].split("/")
    if key != os.environ["AWS_ACCESS_KEY_ID"]:
        text = "The AWS Access Key Id you provided does not exist in our records."
        raise _Refused("InvalidAccessKeyId", text)
    if len(scope) != len(("date", "region", "service", "terminator")):
        _malformed("X-Amz-Credential is malformed")
    credentials = Credentials(key, os.environ["AWS_SECRET_ACCESS_KEY"])
    signer = S3SigV4QueryAuth(credentials, scope[2], scope[1], int(query["X-Amz-Expires"]))
    request = _request(environ, names, query["X-Amz-Date"])
    canonical = signer.canonical_request(request)
    expected = signer.signature(signer.string_to_sign(request, canonical), request)
    if expected != query["X-Amz-Signature"]:
        text = "The request signature we calculated does not match the signature you provided."
        raise _Refused("SignatureDoesNotMatch", text)


def _amazon_headers(environ: "WSGIEnvironment") -> Iterable[str]:
    for name in environ:
        if name.startswith("HTTP_X_AMZ_"):
            yield name.removeprefix("HTTP_").replace("_", "-").lower()


def _request(environ: "WSGIEnvironment", names: list[str], timestamp: str) -> AWSRequest:
    """Return the request as its sender signed it: with only the signed headers."""
    uri = urlsplit(environ["RAW_URI"])
    signed = [pair for pair in uri.query.split("&") if not pair.startswith("X-Amz-Signature=")]
    request = AWSRequest(
        method=environ["REQUEST_METHOD"],
        url=f"http://{environ['HTTP_HOST']}{uri.path}?{'&'.join(signed)}",
        headers={name: _header(environ, name) for name in names},
    )
    request.context["timestamp"] = timestamp
    return request


def _header(environ: "WSGIEnvironment", name: str) -> str:
    variable = name.upper().replace("-", "_")
    prefix = "" if variable in {"CONTENT_TYPE", "CONTENT_LENGTH"} else "HTTP_"
    return str(environ.get(prefix + variable, ""))


def _malformed(text: str) -> NoReturn:
    raise _Refused("AuthorizationQueryParametersError", text)

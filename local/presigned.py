"""What AWS checks of a request, and moto does not: that it is signed, and signed like this.

A signed header has to be sent as it was signed, which the signature proves. So the Content-Type,
Content-Length and If-None-Match of a presigned PUT are those that were announced. A request that
is neither presigned nor signed is refused, except for a browser's preflight.
"""

import json
import time
from calendar import timegm
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

# botocore signs only requests of its own clients; those that come in are signed again to compare.
from botocore.auth import S3SigV4QueryAuth

from local import signatures
from local.signatures import Refused

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_REQUIRED = {"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"}
_LONGEST_EXPIRES = 7 * 24 * 3600


class SignedRequests:
    """WSGI middleware that refuses a request whose signature AWS would refuse.

    The keys are those in the environment, with which requests are signed (``aws.use``).
    """

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application

    def __call__(self, environ: "WSGIEnvironment", respond: "StartResponse") -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        try:
            _check(environ)
        except Refused as refused:
            in_json = "HTTP_X_AMZ_TARGET" in environ
            media_type = "application/x-amz-json-1.0" if in_json else "application/xml"
            respond(f"403 {HTTPStatus.FORBIDDEN.phrase}", [("Content-Type", media_type)])
            return [(_json if in_json else _xml)(refused).encode()]
        return self._application(environ, respond)


def _json(refused: Refused) -> str:
    return json.dumps({"__type": refused.code, "message": str(refused)})


def _xml(refused: Refused) -> str:
    text = f"<Code>{refused.code}</Code><Message>{escape(str(refused))}</Message>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{text}</Error>'


def _check(environ: "WSGIEnvironment") -> None:
    if "HTTP_AUTHORIZATION" in environ:
        signatures.check(environ)
        return
    if environ["REQUEST_METHOD"] == "OPTIONS":
        return
    query = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
    if "X-Amz-Signature" not in query:
        raise Refused("AccessDenied", "Access Denied")
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
        raise Refused("AccessDenied", "Request has expired")


def _check_signature(environ: "WSGIEnvironment", query: dict[str, str]) -> None:
    names = query["X-Amz-SignedHeaders"].split(";")
    for name in _amazon_headers(environ):
        if name not in names:
            text = "There were headers present in the request which were not signed"
            raise Refused("AccessDenied", f"{text}: {name}")
    key, *scope = query["X-Amz-Credential"].split("/")
    credentials = signatures.credentials(key)
    if len(scope) != len(("date", "region", "service", "terminator")):
        _malformed("X-Amz-Credential is malformed")
    signer = S3SigV4QueryAuth(credentials, scope[2], scope[1], int(query["X-Amz-Expires"]))
    request = signatures.as_signed(environ, names, query["X-Amz-Date"])
    signatures.compare(signer, request, query["X-Amz-Signature"])


def _amazon_headers(environ: "WSGIEnvironment") -> Iterable[str]:
    for name in environ:
        if name.startswith("HTTP_X_AMZ_"):
            yield name.removeprefix("HTTP_").replace("_", "-").lower()


def _malformed(text: str) -> NoReturn:
    raise Refused("AuthorizationQueryParametersError", text)

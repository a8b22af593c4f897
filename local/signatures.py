"""What AWS checks of a request that is signed in its Authorization header, and moto does not.

The signature covers the digest of the body that the header X-Amz-Content-SHA256 states; S3's body
itself is not compared with it.
"""

import os
import re
import time
from calendar import timegm
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

# botocore signs only requests of its own clients; those that come in are signed again to compare.
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest  # the same
from botocore.credentials import Credentials  # the same

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})"
)
_SKEW = 15 * 60
_OF_SAM_LOCAL = {"defaultkey": "defaultsecret"}
"""What ``sam local`` gives functions if the user has no keys."""


class Refused(Exception):
    """AWS refuses the request; ``code`` is its name of the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def credentials(key: str) -> Credentials:
    """Return the credentials of ``key``: the service's own, or those of ``sam local``.

    Raises
    ------
    Refused
        The key is another one.
    """
    known = {**_OF_SAM_LOCAL, os.environ["AWS_ACCESS_KEY_ID"]: os.environ["AWS_SECRET_ACCESS_KEY"]}
    if key not in known:
        text = "The AWS Access Key Id you provided does not exist in our records."
        raise Refused("InvalidAccessKeyId", text)
    return Credentials(key, known[key])


def compare(signer: SigV4Auth, request: AWSRequest, signature: str) -> None:
    """Raise Refused unless ``signer`` makes the same signature for ``request``."""
    canonical = signer.canonical_request(request)
    if signer.signature(signer.string_to_sign(request, canonical), request) != signature:
        text = "The request signature we calculated does not match the signature you provided."
        raise Refused("SignatureDoesNotMatch", text)


def as_signed(environ: "WSGIEnvironment", names: Iterable[str], timestamp: str) -> AWSRequest:
    """Return the request as its sender signed it: with only the signed headers ``names``.

    The signature of a presigned request is in its query, to which it was added last.
    """
    uri = urlsplit(environ["RAW_URI"])
    signed = [pair for pair in uri.query.split("&") if not pair.startswith("X-Amz-Signature=")]
    request = AWSRequest(
        method=environ["REQUEST_METHOD"],
        url=f"http://{environ['HTTP_HOST']}{uri.path}?{'&'.join(signed)}",
        headers={name: header(environ, name) for name in names},
    )
    request.context["timestamp"] = timestamp
    return request


def header(environ: "WSGIEnvironment", name: str) -> str:
    """Return the value of the header ``name``, empty if there is none."""
    variable = name.upper().replace("-", "_")
    prefix = "" if variable in {"CONTENT_TYPE", "CONTENT_LENGTH"} else "HTTP_"
    return str(environ.get(prefix + variable, ""))


def check(environ: "WSGIEnvironment") -> None:
    """Raise Refused unless the request is signed with known keys, as it is, and now."""
    found = _AUTHORIZATION.fullmatch(environ["HTTP_AUTHORIZATION"])
    key, *scope = found[1].split("/") if found else [""]
    if not found or len(scope) != len(("date", "region", "service", "terminator")):
        raise Refused("AuthorizationHeaderMalformed", "The authorization header is malformed.")
    timestamp = header(environ, "X-Amz-Date")
    _check_time(timestamp)
    request = as_signed(environ, found[2].split(";"), timestamp)
    _, region, service, _ = scope
    if service != "s3" and "X-Amz-Content-SHA256" not in request.headers:
        request.data = _body(environ)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    compare(signer(credentials(key), service, region), request, found[3])


def _check_time(timestamp: str) -> None:
    try:
        signed = timegm(time.strptime(timestamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        text = "AWS authentication requires a valid Date or x-amz-date header"
        raise Refused("AccessDenied", text) from None
    if abs(time.time() - signed) > _SKEW:
        text = "The difference between the request time and the current time is too large."
        raise Refused("RequestTimeTooSkewed", text)


def _body(environ: "WSGIEnvironment") -> bytes:
    """Read the body, and put it back for the application."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    return body

"""Which names the laptop answers to, and which web pages (DNS rebinding; Fetch, CORS).

A page of any site can send requests to loopback. Whether it may read the answers depends on its
origin, which a site evades by a name of its own that means 127.0.0.1. But then the request has
that name as its Host.
"""

from collections.abc import Collection, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.aws import is_loopback

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_OF_CONTAINERS = {"host.docker.internal"}
"""The name of this machine in the containers of ``sam local``."""


def is_answered(host: str, others: Collection[str]) -> bool:
    """Whether a Host header names this machine: a loopback name, or one of ``others``."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in {*_OF_CONTAINERS, *others} or is_loopback(f"//{host}")


class OwnPages:
    """WSGI middleware: refuses other names of this machine, and pages of other origins.

    ``origins`` are those that may upload (AllowedOrigins), or ``*``. After a redirect from the API
    a browser no longer says whose page it is (``null``), and the presigned URL is what counts.
    """

    def __init__(
        self, application: "WSGIApplication", hosts: Collection[str], origins: frozenset[str]
    ) -> None:
        self._application = application
        self._hosts, self._origins = hosts, origins

    def __call__(self, environ: "WSGIEnvironment", respond: "StartResponse") -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        origin = environ.get("HTTP_ORIGIN")
        is_known = origin is None or not self._origins.isdisjoint((origin, "*"))
        if origin == "null" and self._origins:
            is_known = is_known or _reads_presigned(environ)
        if is_known and is_answered(environ.get("HTTP_HOST", ""), self._hosts):
            return self._application(environ, respond)
        found = "Host" if is_known else "Origin"
        respond(f"403 {HTTPStatus.FORBIDDEN.phrase}", [("Content-Type", "text/plain")])
        return [f"The {found} of this request is not allowed here: see docs/local.md.\n".encode()]


def _reads_presigned(environ: "WSGIEnvironment") -> bool:
    """Whether a request reads an object by a presigned URL, or is the preflight of one that does.

    https://fetch.spec.whatwg.org/#http-redirect-fetch says when the origin is ``null``.
    """
    method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", environ["REQUEST_METHOD"])
    return method in ("GET", "HEAD") and "X-Amz-Signature=" in environ.get("QUERY_STRING", "")

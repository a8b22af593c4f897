"""Fetch an issuer's public keys (OpenID Connect Discovery 1.0, Section 4; RFC 7517).

The issuer's configuration says where its JWK Set is, so a deployment needs only one URL. Both
documents come over https, or plain http from a loopback address, without redirects, and with
limits on time and size.
"""

import json
import time
from concurrent.futures import Future
from http.client import HTTPException
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    build_opener,
    getproxies,
)

TIMEOUT = 3
"""Seconds that a document may take in all, after which the issuer counts as unreachable."""

MAX_DOCUMENT = 512 * 1024
"""The most bytes of a configuration or a JWK Set; real ones are under 50 KB."""

_CHUNK = 64 * 1024
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class IssuerUnavailable(Exception):
    """The issuer's keys cannot be fetched now, so no token can be verified."""


class _NoRedirects(HTTPRedirectHandler):
    """Treats a redirect as an error: it could lead away from https."""

    def redirect_request(self, *_: object) -> None:
        return None


def is_protected(url: str) -> bool:
    """Whether nobody on the way can alter the answer of ``url``: https, or http on loopback."""
    try:
        host, scheme = urlsplit(url).hostname, urlsplit(url).scheme
    except ValueError:
        return False
    return (scheme == "https" and bool(host)) or (scheme == "http" and host in _LOOPBACK)


def fetch_keys(issuer: str) -> list[dict[str, Any]]:
    """Return the keys of the ``issuer``'s JWK Set unchanged.

    Raises
    ------
    IssuerUnavailable
        One of the two documents could not be fetched, or violates the standard.
    """
    opener = _opener()
    # Section 4: a terminating slash of the issuer is removed before the path is appended.
    configuration = _fetch(opener, issuer.removesuffix("/") + "/.well-known/openid-configuration")
    if configuration.get("issuer") != issuer:
        raise IssuerUnavailable("the configuration of the issuer names another issuer")
    jwks_uri = configuration.get("jwks_uri")
    if not isinstance(jwks_uri, str) or not is_protected(jwks_uri):
        raise IssuerUnavailable("the issuer's jwks_uri is not an https URL")
    keys = _fetch(opener, jwks_uri).get("keys")
    if not isinstance(keys, list):
        raise IssuerUnavailable("the issuer's JWK Set has no keys member")
    return [key for key in keys if isinstance(key, dict)]


def _opener() -> OpenerDirector:
    """Return what opens URLs; to make it takes long, because it reads the trusted certificates."""
    # Plain http is only for loopback, which no proxy can reach.
    proxies = {scheme: proxy for scheme, proxy in getproxies().items() if scheme != "http"}
    opener = build_opener(ProxyHandler(proxies), _NoRedirects)
    # Some gateways in front of issuers refuse urllib's own name.
    opener.addheaders = [("User-Agent", "stowport"), ("Accept", "application/json")]
    return opener


def _fetch(opener: OpenerDirector, url: str) -> dict[str, Any]:
    try:
        document = json.loads(_read_in_time(opener, url))
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        reason = f"the issuer did not answer with JSON: {type(error).__name__}: {error}"
        raise IssuerUnavailable(reason) from error
    if not isinstance(document, dict):
        raise IssuerUnavailable("the issuer's answer is not a JSON object")
    return document


def _read_in_time(opener: OpenerDirector, url: str) -> bytes:
    """Return the document at ``url``; raises TimeoutError after TIMEOUT seconds.

    urllib's timeout is for one operation of a socket, of which a slow answer takes many, and not
    for the name's address at all. So a thread reads, and is left behind when the time is up.
    """
    reading: Future[bytes] = Future()

    def read() -> None:
        try:
            reading.set_result(_read(opener, url))
        except HTTPError as error:
            error.close()  # it is the answer as well
            reading.set_exception(error)
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is wanted
            reading.set_exception(error)

    Thread(target=read, name="issuer", daemon=True).start()
    return reading.result(TIMEOUT)


def _read(opener: OpenerDirector, url: str) -> bytes:
    content = b""
    end = time.monotonic() + TIMEOUT
    with opener.open(url, timeout=TIMEOUT) as response:
        while chunk := response.read1(_CHUNK):
            content += chunk
            if len(content) > MAX_DOCUMENT:
                raise ValueError(f"more than {MAX_DOCUMENT} bytes")
            if time.monotonic() > end:  # nobody waits any more
                raise TimeoutError
    return content

"""Fetch an issuer's public keys (OpenID Connect Discovery 1.0, Section 4; RFC 7517).

The issuer's configuration says where its JWK Set is, so a deployment names one URL only. Both
documents come over https, or plain http from a loopback address, without redirects, and are
bounded in time and size.
"""

import json
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener, getproxies

TIMEOUT = 3
"""Seconds without an answer until the issuer counts as unreachable."""

MAX_DOCUMENT = 512 * 1024
"""Bytes of a configuration or a JWK Set; real ones are under 50 KB."""

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class IssuerUnavailable(Exception):
    """The issuer's keys cannot be had now, so no token can be called good or bad."""


class _NoRedirects(HTTPRedirectHandler):
    """Leaves a redirect what it is, an error: it could lead away from https."""

    def redirect_request(self, *_: object) -> None:
        return None


def is_protected(url: str) -> bool:
    """Whether nobody on the way can alter what ``url`` answers: https, or http on loopback."""
    try:
        host, scheme = urlsplit(url).hostname, urlsplit(url).scheme
    except ValueError:
        return False
    return (scheme == "https" and bool(host)) or (scheme == "http" and host in _LOOPBACK)


def fetch_keys(issuer: str) -> list[dict[str, Any]]:
    """Return the keys of the ``issuer``'s JWK Set as they stand there.

    Raises
    ------
    IssuerUnavailable
        One of the two documents could not be had, or is not what the standard says.
    """
    # Section 4: a terminating slash of the issuer is removed before the path is appended.
    configuration = _fetch(issuer.removesuffix("/") + "/.well-known/openid-configuration")
    if configuration.get("issuer") != issuer:
        raise IssuerUnavailable("the configuration found at the issuer is another issuer's")
    jwks_uri = configuration.get("jwks_uri")
    if not isinstance(jwks_uri, str) or not is_protected(jwks_uri):
        raise IssuerUnavailable("the issuer's jwks_uri is not an https URL")
    keys = _fetch(jwks_uri).get("keys")
    if not isinstance(keys, list):
        raise IssuerUnavailable("the issuer's JWK Set has no keys member")
    return [key for key in keys if isinstance(key, dict)]


def _fetch(url: str) -> dict[str, Any]:
    try:
        document = json.loads(_read(url))
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        reason = f"no JSON from the issuer: {type(error).__name__}: {error}"
        raise IssuerUnavailable(reason) from error
    if not isinstance(document, dict):
        raise IssuerUnavailable("no JSON object from the issuer")
    return document


def _read(url: str) -> bytes:
    # Plain http is loopback only, which no proxy can reach.
    proxies = {scheme: proxy for scheme, proxy in getproxies().items() if scheme != "http"}
    opener = build_opener(ProxyHandler(proxies), _NoRedirects)
    # Some gateways in front of issuers turn urllib's own name away.
    opener.addheaders = [("User-Agent", "stowport"), ("Accept", "application/json")]
    with opener.open(url, timeout=TIMEOUT) as response:
        content: bytes = response.read(MAX_DOCUMENT + 1)
    if len(content) > MAX_DOCUMENT:
        raise ValueError(f"more than {MAX_DOCUMENT} bytes")
    return content

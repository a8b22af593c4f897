"""Fetch an issuer's public keys (OpenID Connect Discovery 1.0, Section 4; RFC 7517).

The issuer's configuration says where its JWK Set is, so a deployment needs only one URL. Both
documents come over https, or plain http from a loopback address, without redirects, and with
limits on time and size.
"""

import json
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener, getproxies

TIMEOUT = 3
"""Seconds without an answer after which the issuer counts as unreachable."""

MAX_DOCUMENT = 512 * 1024
"""The most bytes of a configuration or a JWK Set; real ones are under 50 KB."""

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
    # Section 4: a terminating slash of the issuer is removed before the path is appended.
    configuration = _fetch(issuer.removesuffix("/") + "/.well-known/openid-configuration")
    if configuration.get("issuer") != issuer:
        raise IssuerUnavailable("the configuration of the issuer names another issuer")
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
        reason = f"the issuer did not answer with JSON: {type(error).__name__}: {error}"
        raise IssuerUnavailable(reason) from error
    if not isinstance(document, dict):
        raise IssuerUnavailable("the issuer's answer is not a JSON object")
    return document


def _read(url: str) -> bytes:
    # Plain http is only for loopback, which no proxy can reach.
    proxies = {scheme: proxy for scheme, proxy in getproxies().items() if scheme != "http"}
    opener = build_opener(ProxyHandler(proxies), _NoRedirects)
    # Some gateways in front of issuers refuse urllib's own name.
    opener.addheaders = [("User-Agent", "stowport"), ("Accept", "application/json")]
    with opener.open(url, timeout=TIMEOUT) as response:
        content: bytes = response.read(MAX_DOCUMENT + 1)
    if len(content) > MAX_DOCUMENT:
        raise ValueError(f"more than {MAX_DOCUMENT} bytes")
    return content

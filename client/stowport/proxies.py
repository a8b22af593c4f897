"""The proxies that the environment names: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."""

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from stowport.credentials import basic
from stowport.tls import Unsuitable

_SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its URL without user and password, which are in ``headers``."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy for ``url``, None if there is none; raises Unsuitable.

    As for curl, ``user:password@`` in the URL of a proxy are its credentials, and are encoded in
    percent if they contain special characters.
    """
    parts = urlsplit(url)
    given = urllib.request.getproxies()
    found = given.get(parts.scheme) or given.get("all")
    if not found or urllib.request.proxy_bypass(parts.netloc):
        return None
    return _parsed(found, _variable(url))


def _parsed(text: str, variable: str) -> Proxy:
    """Return the proxy of a variable, whose value is not told: it may hold a password."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in _SCHEMES:
        raise Unsuitable(
            f"the proxy in {variable} cannot be used, expected"
            " http(s)://[user:password@]host[:port]"
        )
    place = f"[{host}]" if ":" in host else host
    url = f"{parts.scheme}://{place}" + (f":{port}" if port else "")
    if parts.username is None:
        return Proxy(url)
    credentials = basic(unquote(parts.username), unquote(parts.password or ""))
    return Proxy(url, {"Proxy-Authorization": credentials})


def refusal(url: str) -> str:
    """Return the words for a proxy that refuses the credentials, or wants some (407)."""
    proxy = proxy_for(url)
    place, given = (proxy.url, bool(proxy.headers)) if proxy else ("on the way", False)
    found = "refuses its user and password" if given else "asks for a user and a password"
    return (
        f"the proxy {place} {found} (407), expected them in {_variable(url)} as"
        " http://user:password@host:port"
    )


def _variable(url: str) -> str:
    return f"{urlsplit(url).scheme.upper()}_PROXY"

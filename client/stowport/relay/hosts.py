"""Which Host the relay answers to, because it stores for whoever can reach it.

A web page may send requests to a name of its own site that has come to mean this machine (DNS
rebinding), and then counts as the relay's own page. Its requests have that name as their Host.
"""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit


def is_answered(host: str | None, names: Collection[str]) -> bool:
    """Whether a Host is one of ``names``, localhost or an address, which nobody can rebind.

    A client of HTTP/1.0 may have none; it is no browser.
    """
    if host is None:
        return True
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name in {"localhost", *names} or bool(ip_address(name))
    except ValueError:
        return False

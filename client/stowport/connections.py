"""Pools of connections: through the proxies of the environment, as for curl, and with TLS."""

import socket
import ssl
import threading
from functools import cached_property
from urllib.parse import urlsplit

import urllib3

from stowport.faults import cause_of
from stowport.proxies import Proxy, proxy_for
from stowport.tls import TLS

_HTTPS = 443
_WAIT = 5.0


class Connections:
    """Connections to the server and to the host of its uploads, shared by all threads."""

    def __init__(self, size: int, tls: TLS) -> None:
        self._size = size
        self._tls = tls
        self._lock = threading.Lock()
        self._pools: dict[tuple[str, bool], urllib3.PoolManager] = {}

    def pool(self, url: str) -> urllib3.PoolManager:
        """Return the pool for ``url``; raises Unsuitable if proxy or TLS cannot be used."""
        proxy = proxy_for(url)
        encrypted = any(each.startswith("https:") for each in (url, proxy.url if proxy else ""))
        key = (proxy.url if proxy else "", encrypted)
        with self._lock:
            if key not in self._pools:
                self._pools[key] = self._new(proxy, self._context if encrypted else None)
            return self._pools[key]

    def explained(self, error: Exception, url: str) -> Exception:
        """Return the reason for which a server cuts connections off, or ``error`` as it is.

        With TLS 1.3 a server looks at the client's certificate when the request is on its way,
        and the sender, which fails to write, does not read the alert (RFC 8446 4.4.2.4). Who only
        listens does.
        """
        cause = cause_of(error)
        parts = urlsplit(url)
        is_cut = isinstance(cause, (ssl.SSLEOFError, ConnectionResetError))
        if not is_cut or parts.scheme != "https" or proxy_for(url):
            return error
        host = parts.hostname or ""
        try:
            with (
                socket.create_connection((host, parts.port or _HTTPS), _WAIT) as plain,
                self._context.wrap_socket(plain, server_hostname=host) as encrypted,
            ):
                encrypted.recv(1)
        except ssl.SSLError as alert:
            return alert if alert.reason else error
        except OSError:
            pass
        return error

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return self._tls.context()

    def _new(self, proxy: Proxy | None, context: ssl.SSLContext | None) -> urllib3.PoolManager:
        if proxy is None:
            return urllib3.PoolManager(maxsize=self._size, ssl_context=context)
        return urllib3.ProxyManager(
            proxy.url,
            maxsize=self._size,
            proxy_headers=proxy.headers,
            proxy_ssl_context=context,
            ssl_context=context,
        )

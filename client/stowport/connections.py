"""Pools of connections: through the proxies of the environment, as for curl, and with TLS."""

import ssl
import threading
from functools import cached_property

import urllib3

from stowport.proxies import Proxy, proxy_for
from stowport.tls import TLS


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

"""Keep an issuer's public keys between requests, and find the one that signed a token.

If a token names an unknown key, the keys are fetched again, because it may be a new key. This
happens at most once in ``COOLDOWN`` seconds, or a flood of made-up key names would become a flood
at the issuer.
"""

import time
from math import inf
from threading import Lock
from typing import Any

from jwt import PyJWK, PyJWTError

from authorizer.discovery import IssuerUnavailable, fetch_keys

LIFETIME = 3600
"""Seconds after which keys are fetched again, so that a withdrawn key is no longer accepted."""

KEPT = 24 * 3600
"""Seconds for which keys remain in use while the issuer cannot be reached."""

COOLDOWN = 30
"""Seconds from one fetch to the next."""

COOLDOWN_AFTER_FAILURE = 3
"""Seconds from a fetch that failed to the next."""


class IssuerKeys:
    """The public keys of ``issuer``; nothing is fetched before the first look-up."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._keys: list[dict[str, Any]] = []
        self._failure = ""
        self._fetched = self._tried = -inf
        self._lock = Lock()

    def find(self, algorithm: str, kid: str | None) -> PyJWK | None:
        """Return the key named ``kid`` that fits ``algorithm``, or None if the issuer has none.

        Without a ``kid`` it is the issuer's only key that fits (OpenID Connect Core 10.1).

        Raises
        ------
        IssuerUnavailable
            The key is not in memory, and the issuer cannot be asked for it.
        """
        with self._lock:
            # The wall clock: a frozen environment's monotonic one may stand still.
            now = time.time()
            if now - self._fetched > LIFETIME:
                self._refresh(now)
            key = self._match(algorithm, kid)
            if key is None:
                self._refresh(now)
                key = self._match(algorithm, kid)
            if key is None and self._failure:
                raise IssuerUnavailable(self._failure)
            return key

    def _refresh(self, now: float) -> None:
        if now - self._tried < (COOLDOWN_AFTER_FAILURE if self._failure else COOLDOWN):
            return
        self._tried = now
        try:
            self._keys = fetch_keys(self._issuer)
        except IssuerUnavailable as error:
            self._failure = str(error)
            if now - self._fetched > KEPT:
                self._keys = []
        else:
            self._failure = ""
            self._fetched = now

    def _match(self, algorithm: str, kid: str | None) -> PyJWK | None:
        named = [key for key in self._keys if kid is None or key.get("kid") == kid]
        fitting = [key for key in (_public_key(jwk, algorithm) for jwk in named) if key]
        if kid is None and len(fitting) > 1:
            return None
        return fitting[0] if fitting else None


def _public_key(jwk: dict[str, Any], algorithm: str) -> PyJWK | None:
    """Return ``jwk`` as a key that verifies ``algorithm``, or None if it cannot.

    The algorithm is bound to the key here, so a token cannot choose another one for it. Keys of
    another type or curve, encryption keys, short keys and private keys are not used.
    """
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm or "d" in jwk:
        return None
    try:
        key = PyJWK(jwk, algorithm)
        prepared = key.Algorithm.prepare_key(key.key)
    except PyJWTError:
        return None
    return None if key.Algorithm.check_key_length(prepared) else key

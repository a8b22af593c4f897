"""Tokens of an issuer for a client with an ID and a secret of its own (RFC 6749 4.4)."""

import json
import threading
from contextlib import suppress
from http import HTTPStatus
from time import monotonic
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from stowport.connections import Connections
from stowport.credentials import NoToken, basic, is_token
from stowport.faults import in_words
from stowport.messages import Request
from stowport.printing import printable

_TIMEOUT = urllib3.Timeout(connect=10, read=30)
_LONGEST_ANSWER = 1024 * 1024
_MARGIN = 60.0
"""How many seconds before its end a token is no longer used."""
_SECONDS = 300.0
"""How long a token is used if the issuer does not say how long it is good for."""


class ClientCredentials:
    """The token that the issuer gives this client, until it expires or is refused.

    The issuer is asked at ``url``, its token endpoint, for the first request and again when a
    token ends. ``scope`` is what is asked for, or empty.
    """

    def __init__(
        self, url: str, client: str, secret: str, scope: str, connections: Connections
    ) -> None:
        self._url = url
        # The issuer reads both as parts of a form (RFC 6749 2.3.1).
        self._authorization = basic(quote(client, safe=""), quote(secret, safe=""))
        self._form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        self._connections = connections
        self._lock = threading.Lock()
        self._token = ""
        self._end = 0.0

    def authorize(self, request: Request) -> Request:
        """Return ``request`` with a token; raises NoToken if the issuer gives none."""
        with self._lock:
            if not self._token or monotonic() > self._end:
                self._token, seconds = self._issued()
                self._end = monotonic() + max(seconds - _MARGIN, seconds / 2)
            return request.authorized(f"Bearer {self._token}")

    def refused(self, request: Request) -> bool:
        """Forget the token that was refused; there may be another."""
        with self._lock:
            if request.headers.get("Authorization") == f"Bearer {self._token}":
                self._token = ""
            return True

    def _issued(self) -> tuple[str, float]:
        """Return a new token and the seconds that it is good for."""
        try:
            status, body = self._answer()
        except urllib3.exceptions.HTTPError as error:
            raise NoToken(f"the issuer cannot be reached: {in_words(error, self._url)}") from error
        found = _members(body)
        if status != HTTPStatus.OK:
            said = printable(str(found.get("error", "")))
            raise NoToken(f"the issuer answered {status}{': ' if said else ''}{said}")
        token = str(found.get("access_token", ""))
        if not is_token(token) or str(found.get("token_type", "")).lower() != "bearer":
            raise NoToken("the issuer answered without a bearer token, expected one")
        return token, _seconds(found.get("expires_in"))

    def _answer(self) -> tuple[int, bytes]:
        """Ask, and once more after a fault: a send of hours must not end with a single one."""
        with suppress(urllib3.exceptions.HTTPError):
            status, body = self._asked()
            if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return status, body
        return self._asked()

    def _asked(self) -> tuple[int, bytes]:
        """Return status and body of the issuer's answer."""
        answer = self._connections.pool(self._url).request(
            "POST",
            self._url,
            body=urlencode(self._form),
            headers={
                "Authorization": self._authorization,
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
            },
            redirect=False,
            retries=False,
            timeout=_TIMEOUT,
            preload_content=False,
        )
        body = answer.read(_LONGEST_ANSWER)
        answer.release_conn()
        return answer.status, body


def _members(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(given: object) -> float:
    """Return ``expires_in``, which some issuers send as text."""
    try:
        seconds = float(str(given))
    except ValueError:
        return _SECONDS
    return seconds if 0 < seconds < float("inf") else _SECONDS

"""The credentials that go with each request: a bearer token (RFC 6750), or user and password."""

import shlex
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Sequence
from typing import Protocol

from stowport.messages import Request

_SECONDS = 60


class NoToken(Exception):
    """There are no credentials: the token command, or AWS's chain of providers, gave none."""


class Authentication(Protocol):
    """Whatever adds credentials to requests."""

    def authorize(self, request: Request) -> Request:
        """Return ``request`` with credentials; raises NoToken."""

    def refused(self, request: Request) -> bool:
        """Tell whether there may be others than those of ``request``, which were refused."""


class Credentials:
    """A token, or the command that prints one; with neither, requests go without.

    The command is run for the first request, and again when the server refuses its token.
    """

    def __init__(self, token: str | None = None, command: str | None = None) -> None:
        self._token = token
        self._command = command_line(command) if command else None
        self._lock = threading.Lock()

    def authorize(self, request: Request) -> Request:
        """Return ``request`` with the token; raises NoToken if the command prints none."""
        return request.authorized(self.authorization())

    def authorization(self) -> str | None:
        """Return the value of the Authorization field, if there is one to send."""
        with self._lock:
            if self._token is None and self._command:
                self._token = _printed_by(self._command)
            return f"Bearer {self._token}" if self._token else None

    def refused(self, request: Request) -> bool:
        """Forget the token that was refused; tell whether there may be another.

        If several requests were refused with the same token, only one runs the command.
        """
        with self._lock:
            if not self._command:
                return False
            if request.headers.get("Authorization") == f"Bearer {self._token}":
                self._token = None
            return True


class BasicCredentials:
    """User and password (RFC 7617)."""

    def __init__(self, user: str, password: str) -> None:
        self._authorization = basic(user, password)

    def authorize(self, request: Request) -> Request:
        """Return ``request`` with user and password."""
        return request.authorized(self._authorization)

    def refused(self, request: Request) -> bool:
        """Return False: there are no others."""
        del request
        return False


def basic(user: str, password: str) -> str:
    """Return user and password as a field of Basic authentication (RFC 7617 2)."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")


def command_line(text: str, platform: str = sys.platform) -> str | Sequence[str]:
    r"""Return a command as subprocess takes it; raises ValueError if a quote is not closed.

    Windows itself splits a command into arguments, and ``\`` is part of its paths.
    """
    return text if platform == "win32" else shlex.split(text)


def _printed_by(command: str | Sequence[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command, and no shell in between
            command, capture_output=True, text=True, timeout=_SECONDS, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise NoToken(f"the token command failed: {_in_words(error)}") from error
    token = done.stdout.strip()
    if not is_token(token):
        raise NoToken("the token command printed no token, expected one line with only the token")
    return token


def is_token(text: str) -> bool:
    """Tell whether this can be sent as a token: visible ASCII without spaces."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def _in_words(error: Exception) -> str:
    match error:
        case subprocess.CalledProcessError():
            return f"it ended with exit code {error.returncode}"
        case subprocess.TimeoutExpired():
            return f"it did not end within {_SECONDS} seconds"
        case OSError() if error.strerror:
            return error.strerror
        case _:
            return type(error).__name__

"""The bearer token that goes with each request (RFC 6750)."""

import shlex
import subprocess
import threading

_SECONDS = 60


class NoToken(Exception):
    """The token command did not print a token."""


class Credentials:
    """A token, or the command that prints one; with neither, requests go without.

    The command is run for the first request, and again when the server refuses its token.
    """

    def __init__(self, token: str | None = None, command: str | None = None) -> None:
        self._token = token
        self._command = shlex.split(command) if command else []
        self._lock = threading.Lock()

    def authorization(self) -> str | None:
        """Return the value of the Authorization field, if there is one to send."""
        with self._lock:
            if self._token is None and self._command:
                self._token = _printed_by(self._command)
            return f"Bearer {self._token}" if self._token else None

    def refused(self, authorization: str | None) -> bool:
        """Forget the token that was refused; tell whether there may be another.

        If several requests were refused with the same token, only one runs the command.
        """
        with self._lock:
            if not self._command:
                return False
            if authorization == f"Bearer {self._token}":
                self._token = None
            return True


def is_token(text: str) -> bool:
    """Tell whether ``text`` can be sent as a token; an empty one is none."""
    return text.isascii() and text.isprintable() and " " not in text


def _printed_by(command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command, and no shell in between
            command, capture_output=True, text=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NoToken(f"the token command failed: {type(error).__name__}") from error
    token = done.stdout.strip()
    if not token or not is_token(token):
        raise NoToken("the token command printed no token, expected one line with only the token")
    return token

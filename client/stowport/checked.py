"""Values of options, as argparse checks them: each raises ArgumentTypeError in words."""

import argparse
from pathlib import Path
from urllib.parse import urlsplit

from stowport.credentials import command_line, is_token

PASSWORD = "STOWPORT_PASSWORD"  # noqa: S105 - the name of a variable


def base_url(text: str) -> str:
    """Return the URL of the service without ``/studies`` and the last slash."""
    return endpoint(text).rstrip("/").removesuffix("/studies")


def endpoint(text: str) -> str:
    """Return a URL of a place to send to."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    fits = host and port != 0 and parts.scheme in ("http", "https")
    if not fits or parts.query or parts.fragment or not text.isprintable() or " " in text:
        raise argparse.ArgumentTypeError("expected http(s)://host[:port][/path]")
    if parts.username is not None:
        raise argparse.ArgumentTypeError(
            "found a user in the URL, where the list of processes shows the password to others,"
            f" expected --user NAME, with the password in {PASSWORD} or --password-file"
        )
    return text


def file(text: str) -> Path:
    """Return a file that is there."""
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError("expected a file")
    return Path(text)


def token(text: str) -> str:
    """Return a bearer token (RFC 6750 2.1)."""
    if not is_token(text):
        raise argparse.ArgumentTypeError("expected a token: visible ASCII without spaces")
    return text


def command(text: str) -> str:
    """Return a command whose quotes are closed."""
    try:
        empty = not command_line(text)
    except ValueError:
        empty = True
    if empty:
        raise argparse.ArgumentTypeError("expected a command, with its quotes closed")
    return text


def user(text: str) -> str:
    """Return a user's name (RFC 7617 2)."""
    if not text or ":" in text or not text.isprintable():
        raise argparse.ArgumentTypeError("expected a name without a colon")
    return text

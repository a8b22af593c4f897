"""TLS to the server: whom to trust, and the client's own certificate."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

import urllib3

PASSWORD = "STOWPORT_KEY_PASSWORD"  # noqa: S105 - the name of a variable
"""The variable that may hold the password of the client's key."""


class Unsuitable(Exception):
    """A file or a setting that was given cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TLS:
    """What is given about TLS; without anything, the system's certificate authorities decide.

    ``cacert`` holds further authorities in PEM, ``cert`` the client's certificate with its chain,
    ``key`` its key if that is not in ``cert``. ``insecure`` trusts any server.
    """

    cacert: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    insecure: bool = False

    def context(self) -> ssl.SSLContext:
        """Return the context for all connections; raises Unsuitable.

        Also other hosts have to be trusted, because S3 takes the uploads. For this reason
        ``cacert`` adds to the authorities of the system and does not replace them.
        """
        context = _any_server() if self.insecure else _of_the_system()
        if self.cacert and not self.insecure:
            _add(context, self.cacert)
        if self.cert:
            _identify(context, self.cert, self.key)
        return context


def _any_server() -> ssl.SSLContext:
    # The command has warned once; urllib3 would warn of each connection.
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _of_the_system() -> ssl.SSLContext:
    import truststore  # noqa: PLC0415 - plain HTTP, as to a service on this machine, needs none

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _add(context: ssl.SSLContext, cacert: Path) -> None:
    try:
        context.load_verify_locations(cacert)
    except OSError as error:
        raise Unsuitable(
            f"{cacert}: found {_reason(error, 'no certificate')}, expected certificates of"
            " authorities in PEM (--cacert)"
        ) from error


def _identify(context: ssl.SSLContext, cert: Path, key: Path | None) -> None:
    asked = False

    def password() -> str:
        nonlocal asked
        asked = True
        return os.environ.get(PASSWORD, "")

    try:
        # Without a function for the password, OpenSSL would ask on the terminal, and wait there.
        context.load_cert_chain(cert, key, password)
    except (OSError, ValueError) as error:
        if asked:
            raise Unsuitable(
                f"{key or cert}: found an encrypted key, expected its password in {PASSWORD}, or a"
                " key that is not encrypted"
            ) from error
        found = _reason(error, "no certificate with its key")
        raise Unsuitable(
            f"{cert}: found {found}, expected a certificate in PEM (--cert), and its key in the"
            " same file or in that of --key"
        ) from error


def _reason(error: Exception, otherwise: str) -> str:
    """Return what is wrong with a file: OpenSSL itself says little about what it has read."""
    if isinstance(error, ssl.SSLError):
        return "the key of another certificate" if error.reason == _MISMATCH else otherwise
    return str(getattr(error, "strerror", None) or otherwise)


_MISMATCH = "KEY_VALUES_MISMATCH"

"""How a server is reached: options that all commands share, and the transport made of them."""

import argparse
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from stowport.clientcredentials import ClientCredentials
from stowport.connections import Connections
from stowport.credentials import (
    Authentication,
    BasicCredentials,
    Credentials,
    command_line,
    is_token,
)
from stowport.tls import PASSWORD, TLS, Unsuitable
from stowport.transport import TRIES, Transport

_TOKEN = "STOWPORT_TOKEN"  # noqa: S105 - the names of variables
_PASSWORD = "STOWPORT_PASSWORD"  # noqa: S105
_SECRET = "STOWPORT_CLIENT_SECRET"  # noqa: S105
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options that say where the server is, and how to get there."""
    group = command.add_argument_group(
        "the server", "Proxies are those of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."
    )
    group.add_argument(
        "--url", required=True, type=base_url, help="the service, with or without /studies"
    )
    _credentials(group)
    group.add_argument(
        "--cacert",
        type=file,
        metavar="FILE",
        help="certificates (PEM) of authorities to trust beside those of the system",
    )
    group.add_argument(
        "--cert", type=file, metavar="FILE", help="client certificate (PEM) to identify with"
    )
    group.add_argument(
        "--key",
        type=file,
        metavar="FILE",
        help="key of --cert, if it is not in the same file; the password of an encrypted one is"
        f" ${PASSWORD}",
    )
    group.add_argument(
        "--insecure",
        action="store_true",
        help="do not check the certificate of the server: anyone on the way can read and change"
        " what is sent",
    )


def _credentials(group: argparse._ArgumentGroup) -> None:
    given = group.add_mutually_exclusive_group()
    add_token(
        given, "--token", _TOKEN, f"bearer token (default: ${_TOKEN}, which other users do not see)"
    )
    given.add_argument(
        "--token-command", type=command, metavar="CMD", help="command that prints a bearer token"
    )
    given.add_argument(
        "--user",
        type=user,
        metavar="NAME",
        help=f"user of Basic authentication; the password is ${_PASSWORD} or in --password-file",
    )
    given.add_argument(
        "--token-url",
        type=endpoint,
        metavar="URL",
        help="token endpoint of the issuer that gives tokens to --client-id (OAuth 2.0 client"
        f" credentials); the client's secret is ${_SECRET}",
    )
    given.add_argument(
        "--aws-sigv4",
        nargs=2,
        metavar=("SERVICE", "REGION"),
        help="sign requests for AWS, such as 'medical-imaging us-east-1', with the credentials of"
        " AWS's environment variables, profiles or roles (needs stowport[aws])",
    )
    group.add_argument(
        "--client-id", type=user, metavar="ID", help="the ID of this client at --token-url"
    )
    group.add_argument(
        "--scope", type=token, metavar="SCOPE", help="the scope to ask for at --token-url"
    )
    group.add_argument(
        "--password-file", type=file, metavar="FILE", help="file with the password of --user"
    )


def add_token(group: argparse._ActionsContainer, option: str, variable: str, text: str) -> None:
    """Add an option for a token, which may also be in the environment."""
    default = os.environ.get(variable) or None
    group.add_argument(option, type=token, metavar="T", default=default, help=text)


def transport_to(chosen: argparse.Namespace, connections: int, tries: int = TRIES) -> Transport:
    """Return the transport that the options ask for, and warn of what is unwise about them.

    Raises Unsuitable if they cannot be used, before anything is sent.
    """
    _warn(chosen)
    if chosen.key and not chosen.cert:
        raise Unsuitable("found --key without --cert, expected the certificate as well")
    tls = TLS(cacert=chosen.cacert, cert=chosen.cert, key=chosen.key, insecure=chosen.insecure)
    transport = Transport(
        credentials_of(chosen, tls), connections=connections, tries=tries, tls=tls
    )
    transport.prepare(chosen.url)
    return transport


def credentials_of(chosen: argparse.Namespace, tls: TLS) -> Authentication:
    """Return the credentials: those of an option, or else the token of the environment."""
    if chosen.aws_sigv4:
        from stowport.signing import Signatures  # noqa: PLC0415 - botocore is optional

        return Signatures(*chosen.aws_sigv4)
    if chosen.token_url:
        return _client_credentials(chosen, tls)
    if chosen.client_id or chosen.scope:
        raise Unsuitable("found --client-id or --scope without --token-url, expected it as well")
    if chosen.user:
        return BasicCredentials(chosen.user, _password(chosen.password_file))
    if chosen.password_file:
        raise Unsuitable("found --password-file without --user, expected the user as well")
    if chosen.token_command:
        return Credentials(command=chosen.token_command)
    return Credentials(chosen.token)


def _client_credentials(chosen: argparse.Namespace, tls: TLS) -> ClientCredentials:
    secret = os.environ.get(_SECRET)
    if not chosen.client_id or not secret:
        raise Unsuitable(f"found --token-url, expected --client-id and the secret in {_SECRET}")
    connections = Connections(1, tls)
    connections.pool(chosen.token_url)
    scope = chosen.scope or ""
    return ClientCredentials(chosen.token_url, chosen.client_id, secret, scope, connections)


def _password(path: Path | None) -> str:
    if path is None:
        password = os.environ.get(_PASSWORD)
        if password is None:
            raise Unsuitable(
                f"found no password for --user, expected it in {_PASSWORD} or in --password-file"
            )
        return password
    try:
        return path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, ValueError) as error:
        raise Unsuitable(f"{path}: the password cannot be read: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or "it is not UTF-8"


def _warn(chosen: argparse.Namespace) -> None:
    """Warn of credentials in clear text, and of a server that is not checked."""
    parts = urlsplit(chosen.url)
    what = "password goes" if chosen.user else "token goes" if has_token(chosen) else ""
    if what and parts.scheme == "http" and parts.hostname not in LOOPBACK:
        sys.stderr.write(f"warning: the {what} over plain HTTP, where others can read it\n")
    if chosen.insecure:
        sys.stderr.write(
            "warning: --insecure: the certificate of the server is not checked, and anyone on the"
            " way can read and change what is sent\n"
        )


def has_token(chosen: argparse.Namespace) -> bool:
    """Tell whether requests go with a bearer token."""
    found = chosen.token or chosen.token_command or chosen.token_url
    return bool(found) and not (chosen.user or chosen.aws_sigv4)


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
            f" expected --user NAME, with the password in {_PASSWORD} or --password-file"
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

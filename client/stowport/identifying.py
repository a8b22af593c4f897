"""Who sends: the options for credentials, and the credentials made of them."""

import argparse
import os
from pathlib import Path

from stowport.checked import PASSWORD, command, endpoint, file, token, user
from stowport.clientcredentials import ClientCredentials
from stowport.connections import Connections
from stowport.credentials import Authentication, BasicCredentials, Credentials
from stowport.tls import TLS, Unsuitable

_TOKEN = "STOWPORT_TOKEN"  # noqa: S105 - the name of a variable
_SECRET = "STOWPORT_CLIENT_SECRET"  # noqa: S105 - the name of a variable


def add_credentials(group: argparse._ArgumentGroup) -> None:
    """Add the options for credentials, of which one kind can be given."""
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
        help=f"user of Basic authentication; the password is ${PASSWORD} or in --password-file",
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
        password = os.environ.get(PASSWORD)
        if password is None:
            raise Unsuitable(
                f"found no password for --user, expected it in {PASSWORD} or in --password-file"
            )
        return password
    try:
        return path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, ValueError) as error:
        raise Unsuitable(f"{path}: the password cannot be read: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or "it is not UTF-8"


def has_token(chosen: argparse.Namespace) -> bool:
    """Tell whether requests go with a bearer token."""
    found = chosen.token or chosen.token_command or chosen.token_url
    return bool(found) and not (chosen.user or chosen.aws_sigv4)

"""How a server is reached: options that all commands share, and the transport made of them."""

import argparse
import sys
from urllib.parse import urlsplit

from stowport.checked import base_url, file
from stowport.identifying import add_credentials, credentials_of, has_token
from stowport.tls import PASSWORD, TLS, Unsuitable
from stowport.transport import TRIES, Transport

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options that say where the server is, and how to get there."""
    group = command.add_argument_group(
        "the server", "Proxies are those of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."
    )
    group.add_argument(
        "--url", required=True, type=base_url, help="the service, with or without /studies"
    )
    add_credentials(group)
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


def _warn(chosen: argparse.Namespace) -> None:
    """Warn of credentials in clear text, and of a server that is not checked."""
    what = "password goes" if chosen.user else "token goes" if has_token(chosen) else ""
    if what and _is_in_clear(chosen.url):
        sys.stderr.write(f"warning: the {what} over plain HTTP, where others can read it\n")
    if chosen.token_url and _is_in_clear(chosen.token_url):
        sys.stderr.write(
            "warning: the client's secret goes to the issuer over plain HTTP, where others can"
            " read it\n"
        )
    if chosen.insecure:
        sys.stderr.write(
            "warning: --insecure: the certificate of the server is not checked, and anyone on the"
            " way can read and change what is sent\n"
        )


def _is_in_clear(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in LOOPBACK

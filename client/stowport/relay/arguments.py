"""The options of ``stowport relay`` that are its own."""

import argparse
import tempfile
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

from stowport.checked import file
from stowport.relay.access import Network
from stowport.relay.configuration import Configuration

LISTEN = "127.0.0.1:8104"
MAX_BODY = "10GB"
CLIENTS = 32
PATIENCE = 60
KEEP_ALIVE = 75

_PORTS = 65536


def add_options(
    command: argparse.ArgumentParser,
    *,
    size: Callable[[str], int],
    at_least_one: Callable[[str], int],
) -> None:
    """Add the options of the relay, but for those about the server that it sends to."""
    command.add_argument(
        "--config",
        action=Configuration,
        metavar="FILE",
        help="read options from this TOML file; those that stand after it have precedence",
    )
    _listener(command)
    _clients(command)
    command.add_argument(
        "--spool", type=folder, metavar="DIR", help="folder for bodies on disk (default: TMPDIR)"
    )
    command.add_argument(
        "--max-spool",
        type=size,
        metavar="SIZE",
        help="bytes of all bodies together (default: the free space, but for 256MB)",
    )
    command.add_argument(
        "--max-body",
        type=size,
        default=MAX_BODY,
        metavar="SIZE",
        help=f"bytes of one body (default {MAX_BODY})",
    )
    command.add_argument(
        "--clients",
        type=at_least_one,
        default=CLIENTS,
        metavar="N",
        help=f"requests that may be under way; a further one is answered 503 (default {CLIENTS})",
    )
    command.add_argument(
        "--patience",
        type=at_least_one,
        default=PATIENCE,
        metavar="SECONDS",
        help="how long to wait for a client that sends no further byte of a body"
        f" (default {PATIENCE})",
    )
    command.add_argument(
        "--keep-alive",
        type=at_least_one,
        default=KEEP_ALIVE,
        metavar="SECONDS",
        help="how long to keep an idle connection open: behind a load balancer, longer than it does"
        f" (default {KEEP_ALIVE})",
    )


def _listener(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--listen",
        type=address,
        default=LISTEN,
        metavar="HOST:PORT",
        help=f"address to listen on (default {LISTEN}); on loopback only this machine can send",
    )
    command.add_argument(
        "--listen-cert",
        type=file,
        metavar="FILE",
        help="serve HTTPS with this certificate, and those of its issuers (PEM)",
    )
    command.add_argument(
        "--listen-key",
        type=file,
        metavar="FILE",
        help="key of --listen-cert (PEM, not encrypted; default: it is in the same file)",
    )
    command.add_argument(
        "--client-ca",
        type=file,
        metavar="FILE",
        help="serve only clients with a certificate of one of these authorities (PEM)",
    )


def _clients(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--client-tokens",
        type=file,
        metavar="FILE",
        help="serve only clients with one of these bearer tokens, one on each line",
    )
    command.add_argument(
        "--allow",
        action="append",
        type=network,
        default=[],
        metavar="NETWORK",
        help="serve only clients with such an address, as 192.0.2.0/24 (may be repeated)",
    )
    command.add_argument(
        "--host",
        action="append",
        type=str.lower,
        default=[],
        metavar="NAME",
        help="name by which clients address the relay, if not by localhost or an IP address (may"
        " be repeated)",
    )


def is_open(chosen: argparse.Namespace) -> bool:
    """Tell whether a relay with these options serves whoever can reach it."""
    return not (chosen.allow or chosen.client_ca or chosen.client_tokens)


def address(text: str) -> tuple[str, int]:
    """Return host and port; an IPv6 address stands in brackets."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) >= _PORTS:
        raise argparse.ArgumentTypeError("expected HOST:PORT such as 127.0.0.1:8104")
    return host.strip("[]"), int(port)


def folder(text: str) -> Path:
    """Return a folder that is there, and in which files can be made."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError("expected a folder")
    try:
        tempfile.TemporaryFile(dir=text).close()
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"expected a folder that can be written to: {error.strerror}"
        ) from error
    return Path(text)


def network(text: str) -> Network:
    """Return a network, or the address of one client."""
    try:
        return ip_network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            "expected an address or a network such as 192.0.2.0/24"
        ) from error

"""The command ``stowport``."""

import argparse
import sys
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from rich.console import Console

from stowport.arguments import parser
from stowport.credentials import Credentials
from stowport.delivery import Delivery
from stowport.journal import Journal, journal_of
from stowport.relay.arguments import is_open
from stowport.report import as_json, show
from stowport.send import INTERRUPTED, Sender, exit_code
from stowport.transport import Transport

_FEW = 2
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    chosen = parser().parse_args(arguments)
    _warn(chosen)
    if chosen.command == "smoke":
        from stowport.smoke.command import run as smoke  # noqa: PLC0415 - a send makes no instances

        return smoke(chosen)
    command = chosen.token_command
    credentials = Credentials(None if command else chosen.token, command)
    transport = Transport(credentials, connections=chosen.parallel, tries=chosen.tries)
    if chosen.command == "relay":
        from stowport.relay.command import run  # noqa: PLC0415 - a send needs no HTTP server

        return run(chosen, transport, Transport(credentials, connections=_FEW, tries=_FEW))
    try:
        return _send(chosen, transport)
    except KeyboardInterrupt:  # before anything was sent: while the folders are searched
        return INTERRUPTED


def _send(chosen: argparse.Namespace, transport: Transport) -> int:
    delivery = Delivery(transport, chosen.url, chosen.limit)
    sender = Sender(transport, delivery, chosen.study, chosen.parallel)
    place = journal_of(chosen.url, chosen.study, chosen.paths)
    journal = Journal(place)
    if chosen.again:
        journal.forget()
    started = time.monotonic()
    sent = sender.send(chosen.paths, journal, Console(stderr=True))
    seconds = time.monotonic() - started
    if sent.complete:
        journal.forget()
    if journal.fault:
        sys.stderr.write(
            f"warning: no journal is kept ({journal.fault}): the next send starts over\n"
        )
    if chosen.json:
        sys.stdout.write(as_json(sent, seconds) + "\n")
    else:
        show(sent, seconds, Console())
    return exit_code(sent)


def _warn(chosen: argparse.Namespace) -> None:
    """Warn of a token in clear text, and of a relay that is open to others."""
    parts = urlsplit(chosen.url)
    has_token = chosen.token or getattr(chosen, "token_command", None)
    if has_token and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        sys.stderr.write("warning: the token goes over plain HTTP, where others can read it\n")
    if chosen.command == "relay" and chosen.listen[0] not in _LOOPBACK and is_open(chosen):
        sys.stderr.write(
            "warning: anyone who can reach this address can store with the relay's credentials:"
            " expected --allow, --client-ca or --client-tokens\n"
        )

"""The command ``stowport``."""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import TextIO
from urllib.parse import urlsplit

from rich.console import Console

from stowport.arguments import parser
from stowport.breaker import Breaker
from stowport.credentials import Credentials
from stowport.delivery import Delivery
from stowport.journal import Journal, state_folder
from stowport.report import show, write_json, write_not_sent
from stowport.send import INTERRUPTED, UNUSABLE, Sender, Sent, exit_code
from stowport.transport import Transport

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
    transport = Transport(
        credentials,
        connections=chosen.parallel,
        tries=chosen.tries,
        timeout=chosen.timeout,
        breaker=Breaker() if chosen.command == "send" else None,
    )
    if chosen.command == "relay":
        from stowport.relay.command import run  # noqa: PLC0415 - a send needs no HTTP server

        return run(chosen, transport)
    try:
        return _send(chosen, transport)
    except KeyboardInterrupt:  # before anything was sent: while the folders are searched
        return INTERRUPTED


def _send(chosen: argparse.Namespace, transport: Transport) -> int:
    try:
        listed = chosen.skipped and chosen.skipped.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        sys.stderr.write(f"stowport: the file of --skipped cannot be written: {error.strerror}\n")
        return UNUSABLE
    delivery = Delivery(transport, chosen.url, chosen.limit)
    sender = Sender(transport, delivery, chosen.study, chosen.parallel)
    journal = Journal(state_folder(), chosen.url, chosen.study, again=chosen.again)
    started = time.monotonic()
    sent = sender.send(
        chosen.paths, journal, Console(stderr=True), follow_links=chosen.follow_links
    )
    seconds = time.monotonic() - started
    journal.close()
    if journal.fault:
        sys.stderr.write(
            f"warning: no journal is kept ({journal.fault}): the next send starts over\n"
        )
    if chosen.json:
        write_json(sent, seconds, sys.stdout)
    else:
        show(sent, seconds, Console())
    if listed and not _is_listed(sent, listed):
        return UNUSABLE
    return exit_code(sent)


def _is_listed(sent: Sent, listed: TextIO) -> bool:
    try:
        with listed:
            write_not_sent(sent, listed)
    except OSError as error:
        sys.stderr.write(f"stowport: the file of --skipped is not complete: {error.strerror}\n")
        return False
    return True


def _warn(chosen: argparse.Namespace) -> None:
    """Warn of a token in clear text, and of a relay that is open to others."""
    parts = urlsplit(chosen.url)
    has_token = chosen.token or getattr(chosen, "token_command", None)
    if has_token and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        sys.stderr.write("warning: the token goes over plain HTTP, where others can read it\n")
    if chosen.command == "relay" and chosen.listen[0] not in _LOOPBACK:
        sys.stderr.write(
            "warning: anyone who can reach this address can store with the relay's credentials\n"
        )

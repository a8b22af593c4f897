"""The command ``stowport``."""

import argparse
import sys
import time
from collections.abc import Sequence

from rich.console import Console

from stowport.arguments import parser
from stowport.delivery import Delivery
from stowport.journal import Journal, journal_of
from stowport.reaching import LOOPBACK, transport_to
from stowport.report import as_json, show
from stowport.send import INTERRUPTED, UNUSABLE, Sender, exit_code
from stowport.tls import Unsuitable
from stowport.transport import Transport


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    chosen = parser().parse_args(arguments)
    if chosen.command == "smoke":
        from stowport.smoke.command import run as smoke  # noqa: PLC0415 - a send makes no instances

        return smoke(chosen)
    _warn(chosen)
    try:
        transport = transport_to(chosen, chosen.parallel, chosen.tries)
    except Unsuitable as error:
        sys.stderr.write(f"stowport: {error}\n")
        return UNUSABLE
    if chosen.command == "relay":
        from stowport.relay.command import run  # noqa: PLC0415 - a send needs no HTTP server

        return run(chosen, transport)
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
    """Warn of a relay that is open to others."""
    if chosen.command == "relay" and chosen.listen[0] not in LOOPBACK:
        sys.stderr.write(
            "warning: anyone who can reach this address can store with the relay's credentials\n"
        )

"""The command ``stowport``."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from io import TextIOWrapper
from typing import TextIO

from rich.console import Console

from stowport.arguments import parser
from stowport.commitment import Commitment
from stowport.delivery import Delivery
from stowport.journal import Journal, state_folder
from stowport.printing import printable
from stowport.reaching import LOOPBACK, transport_to
from stowport.relay.arguments import is_open
from stowport.report import show, write_json, write_not_sent
from stowport.send import INTERRUPTED, UNUSABLE, Sender, Sent, exit_code
from stowport.separated import write_csv
from stowport.tls import Unsuitable
from stowport.transport import Transport


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # names may have letters that the terminal has not
            stream.reconfigure(errors="backslashreplace")
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
    transport.timeout = chosen.timeout
    if chosen.command == "relay":
        from stowport.relay.command import run  # noqa: PLC0415 - a send needs no HTTP server

        return run(chosen, transport)
    try:
        return _send(chosen, transport)
    except KeyboardInterrupt:  # the second one, or before there was anything to sum up
        return INTERRUPTED


def _send(chosen: argparse.Namespace, transport: Transport) -> int:
    try:
        listed = chosen.skipped and chosen.skipped.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        sys.stderr.write(f"stowport: the file of --skipped cannot be written: {error.strerror}\n")
        return UNUSABLE
    transport.breaker.trips = True
    delivery = Delivery(transport, chosen.url, chosen.limit)
    sender = Sender(transport, delivery, chosen.study, chosen.parallel)
    journal = Journal(state_folder(), chosen.url, chosen.study, again=chosen.again)
    started = time.monotonic()
    sent = sender.send(
        chosen.paths, journal, Console(stderr=True), follow_links=chosen.follow_links
    )
    seconds = time.monotonic() - started
    journal.close()
    if chosen.commit and not sent.interrupted:
        sent.not_asked = Commitment(transport, chosen.url).ask(sent.ledger)
    if journal.fault:
        sys.stderr.write(
            f"warning: no journal is kept ({journal.fault}): the next send starts over\n"
        )
    with closing(sent.ledger):
        _print(sent, seconds, chosen)
        if listed and not _is_listed(sent, listed):
            return UNUSABLE
        return exit_code(sent)


def _print(sent: Sent, seconds: float, chosen: argparse.Namespace) -> None:
    try:
        if chosen.json:
            write_json(sent, seconds, sys.stdout)
        elif chosen.csv:
            write_csv(sent, sys.stdout)
            sys.stderr.write(f"stowport: {printable(sent.fault)}\n" if sent.fault else "")
        else:
            show(sent, seconds, Console())
        sys.stdout.flush()
    except OSError as error:  # a pipe that nobody reads any more, or a full disk
        sys.stderr.write(f"stowport: the result cannot be printed: {error.strerror}\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tries again


def _is_listed(sent: Sent, listed: TextIO) -> bool:
    try:
        with listed:
            write_not_sent(sent, listed)
    except OSError as error:
        sys.stderr.write(f"stowport: the file of --skipped is not complete: {error.strerror}\n")
        return False
    return True


def _warn(chosen: argparse.Namespace) -> None:
    """Warn of a relay that is open to others."""
    if chosen.command == "relay" and chosen.listen[0] not in LOOPBACK and is_open(chosen):
        sys.stderr.write(
            "warning: anyone who can reach this address can store with the relay's credentials:"
            " expected --allow, --client-ca or --client-tokens\n"
        )

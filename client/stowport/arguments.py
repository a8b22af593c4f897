"""The command line: its options, and the values that they accept."""

import argparse
import re
from pathlib import Path

from dicomweb.uids import is_uid
from stowport import __version__
from stowport.identifying import add_token
from stowport.packing import LIMIT
from stowport.reaching import add_options
from stowport.relay.arguments import add_options as add_relay_options
from stowport.transport import TRIES

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMG]?)B?")
_FACTORS = {"": 1, "k": 1000, "M": 1000**2, "G": 1000**3}
_SMALLEST = 1000


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command ``stowport``."""
    root = argparse.ArgumentParser(
        prog="stowport", description="Send DICOM instances of any size by STOW-RS."
    )
    root.add_argument("--version", action="version", version=f"stowport {__version__}")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, add_options_of, text, codes in _COMMANDS:
        command = commands.add_parser(name, help=text, description=f"{text}.", epilog=codes)
        add_options_of(command)
    return root


def _send(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        type=Path,
        help="a file, a zip file, a folder with all that is in it, or a DICOMDIR",
    )
    _server(command)
    command.add_argument("--study", type=uid, metavar="UID", help="store into this study only")
    printed = command.add_mutually_exclusive_group()
    printed.add_argument("--json", action="store_true", help="print the result as one JSON object")
    printed.add_argument("--csv", action="store_true", help="print a row for each file, as CSV")
    command.add_argument(
        "--again", action="store_true", help="also send what an earlier send has stored"
    )
    command.add_argument(
        "--commit",
        action="store_true",
        help="also ask the server to commit to keep what is stored, and say what is safe to delete",
    )
    command.add_argument(
        "--follow-links", action="store_true", help="also send what links in folders lead to"
    )
    command.add_argument(
        "--skipped",
        type=Path,
        metavar="FILE",
        help="write a line for each file that is not stored: its name, a tab, and the reason",
    )
    _timeout(command, 30)


def _relay(command: argparse.ArgumentParser) -> None:
    _server(command)
    add_relay_options(command, size=size, at_least_one=at_least_one)
    _timeout(command, 300)


def _smoke(command: argparse.ArgumentParser) -> None:
    add_options(command)
    add_token(
        command,
        "--other-token",
        "STOWPORT_OTHER_TOKEN",
        "good token without the required scope (default: $STOWPORT_OTHER_TOKEN)",
    )
    command.add_argument("--origin", metavar="URL", help="a web origin of AllowedOrigins")
    command.add_argument(
        "--upload",
        type=size,
        default=20_500_000,
        metavar="SIZE",
        help="size of the body that is uploaded (default 20.5MB; over 5GB it goes in parts)",
    )
    command.add_argument(
        "--burst",
        type=at_least_one,
        default=0,
        metavar="N",
        help="also send that many requests at once, more than the deployment takes",
    )
    command.add_argument(
        "--emulator",
        action="store_true",
        help="the service is not on AWS: leave out what only AWS can show",
    )
    command.add_argument("--json", action="store_true", help="print the results as a JSON object")


def _server(command: argparse.ArgumentParser) -> None:
    add_options(command)
    command.add_argument(
        "--limit",
        type=size,
        default=LIMIT,
        metavar="SIZE",
        help="the largest body that the server accepts in a POST (default 4.7MB, as on AWS)",
    )
    command.add_argument(
        "--tries",
        type=at_least_one,
        default=TRIES,
        metavar="N",
        help="how often a request is tried, over about a minute (default 7)",
    )
    command.add_argument(
        "--parallel",
        type=at_least_one,
        default=4,
        metavar="N",
        help="requests at a time (default 4)",
    )


def _timeout(command: argparse.ArgumentParser, seconds: int) -> None:
    command.add_argument(
        "--timeout",
        type=at_least_one,
        default=seconds,
        metavar="SECONDS",
        help="a server hangs if no byte comes from it, or is taken by it, for so long (default"
        f" {seconds}, and more for requests over 10MB)",
    )


def uid(text: str) -> str:
    """Return a UID (PS3.5 9.1)."""
    if not is_uid(text):
        raise argparse.ArgumentTypeError("expected a DICOM UID")
    return text


def size(text: str) -> int:
    """Return bytes, given as a number with or without kB, MB or GB (powers of 1000)."""
    match = _SIZE.fullmatch(text)
    found = float(match[1]) * _FACTORS[match[2]] if match else 0
    if found < _SMALLEST:
        raise argparse.ArgumentTypeError("expected a size such as 4.7MB or 2GB")
    return int(found)


def at_least_one(text: str) -> int:
    """Return a number of requests or tries."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("expected a number of at least 1")
    return int(text)


_COMMANDS = (
    (
        "send",
        _send,
        "Send files, folders, zip files or a DICOMDIR",
        "Exit codes: 0 all is stored; 1 some is not; 2 it could not start or end; 130 Ctrl-C.",
    ),
    (
        "relay",
        _relay,
        "Accept STOW-RS requests of any size and forward them",
        "It runs until Ctrl-C or SIGTERM. Exit codes: 0 it was ended so; 2 it could not start.",
    ),
    (
        "smoke",
        _smoke,
        "Check what a deployment answers, request by request",
        "Exit codes: 0 no check failed; 1 one did; 2 it could not start.",
    ),
)
"""Each command: its name, its options, what it does, and its exit codes."""

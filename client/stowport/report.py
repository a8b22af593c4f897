"""The result of a send, for people and for scripts."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import TextIO

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from stowport.commitment import committed, not_committed
from stowport.ledger import Entry, State
from stowport.printing import escaped, printable
from stowport.send import Sent


def show(sent: Sent, seconds: float, console: Console) -> None:
    """Print the table: what was stored, what was refused and why."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "instances", "why"):
        table.add_column(heading, justify="right" if heading == "instances" else "left")
    for name, count, why in _rows(sent, seconds):
        table.add_row(name, str(count), escape(why))
    console.print(table)
    _list("refused", sent.ledger.entries(State.REFUSED), console)
    _list("stored with a warning", _warned(sent), console)
    if sent.not_asked == "":
        _list(
            "not committed, so not safe to delete", map(_said, not_committed(sent.ledger)), console
        )
    for fault in filter(None, (sent.not_asked, sent.fault)):
        console.print(f"[bold red]{escape(printable(fault))}[/]", highlight=False, soft_wrap=True)
    if sent.interrupted:
        console.print("Interrupted. The same command continues where this one stopped.")
    elif sent.ledger.count(State.OUTSTANDING):
        console.print("The same command continues where this one stopped.")


def _rows(sent: Sent, seconds: float) -> list[tuple[str, int, str]]:
    ledger = sent.ledger
    size = ledger.size(State.STORED)
    rate = decimal(int(size / seconds)) if seconds else "0 bytes"
    rows = [
        ("stored", ledger.count(State.STORED), f"{decimal(size)} in {seconds:.1f} s, {rate}/s"),
        (
            "made Part 10",
            ledger.made(State.STORED),
            "of those stored: a preamble was made, because the file has none",
        ),
        (
            "stored before",
            ledger.count(State.STORED_BEFORE),
            "according to the journal; --again sends them again",
        ),
        *_committed(sent),
        *(("refused", count, _code(reason)) for reason, count in ledger.reasons()),
        (
            "not sent",
            ledger.count(State.OUTSTANDING),
            "or sent without an answer: the send ended early",
        ),
        ("not DICOM", ledger.count(State.SKIPPED), "files without the DICM prefix"),
    ]
    return [row for row in rows if row[1] or row[0] == "stored"]


def _committed(sent: Sent) -> list[tuple[str, int, str]]:
    if sent.not_asked is None:
        return []
    safe = sum(1 for _ in committed(sent.ledger))
    return [("committed", safe, "of those stored: the server keeps them, they are safe to delete")]


def _said(entry: Entry) -> Entry:
    """Return ``entry`` with what the server said about keeping it, instead of storing it."""
    text = "the server was not asked about it, or has not said"
    if entry.commitment is not None:
        text = "the server does not commit to keep it"
    return replace(entry, reason=entry.commitment, text=text)


def _list(title: str, entries: Iterator[Entry], console: Console) -> None:
    first = next(entries, None)
    if first is None:
        return
    console.print(f"\n{title}:")
    for entry in chain((first,), entries):
        for line in (f"{_code(entry.reason)} {entry.path}", f"     {entry.text}"):
            console.print(printable(line), soft_wrap=True, markup=False, highlight=False)


def write_json(sent: Sent, seconds: float, stream: TextIO) -> None:
    """Write one JSON object with every file in it, which is never in memory as a whole."""
    entries = sent.ledger.entries
    lists: dict[str, Iterable[object]] = {
        "stored": (entry.path for entry in entries(State.STORED)),
        "storedBefore": (entry.path for entry in entries(State.STORED_BEFORE)),
        "madePart10": (entry.path for entry in entries(State.STORED) if entry.is_made),
        "refused": map(_object, entries(State.REFUSED)),
        "warnings": map(_object, _warned(sent)),
    }
    if sent.not_asked is not None:
        lists["committed"] = (entry.path for entry in committed(sent.ledger))
        lists["notCommitted"] = (
            {"path": entry.path, "reason": _code(entry.commitment)}
            for entry in not_committed(sent.ledger)
        )
    members = {
        "notSent": sent.ledger.count(State.OUTSTANDING),
        "notDicom": sent.ledger.count(State.SKIPPED),
        "fault": sent.fault,
        **({} if sent.not_asked is None else {"commitmentFault": sent.not_asked}),
        "interrupted": sent.interrupted,
        "bytes": sent.ledger.size(State.STORED),
        "seconds": round(seconds, 3),
    }
    stream.write("{")
    for name, found in lists.items():
        stream.write(f'"{name}": [')
        stream.writelines(
            (", " if number else "") + json.dumps(each) for number, each in enumerate(found)
        )
        stream.write("], ")
    stream.write(json.dumps(members)[1:] + "\n")


def write_not_sent(sent: Sent, stream: TextIO) -> None:
    """Write a line for each file that is not stored: its name, a tab, and why."""
    ended = "not sent, or sent without an answer: the send ended early"
    for entry in sent.ledger.entries(State.REFUSED, State.OUTSTANDING, State.SKIPPED):
        why = ended if entry.state is State.OUTSTANDING else f"{_code(entry.reason)} {entry.text}"
        stream.write(f"{escaped(entry.path)}\t{escaped(why.strip())}\n")


def _warned(sent: Sent) -> Iterator[Entry]:
    return (entry for entry in sent.ledger.entries(State.STORED) if entry.reason is not None)


def _object(entry: Entry) -> dict[str, str]:
    return {"path": entry.path, "reason": _code(entry.reason), "text": entry.text}


def _code(reason: int | None) -> str:
    return "" if reason is None else f"{reason:04X}"

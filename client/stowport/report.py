"""The result of a send, for people and for scripts."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from stowport.send import Sent
from stowport.verdicts import Verdict


def show(sent: Sent, seconds: float, console: Console) -> None:
    """Print the table: what was stored, what was refused and why."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "instances", "why"):
        table.add_column(heading, justify="right" if heading == "instances" else "left")
    for name, count, why in _rows(sent, seconds):
        table.add_row(name, str(count), escape(why))
    console.print(table)
    _list("refused", sent.refused, console)
    _list("stored with a warning", sent.warned, console)
    if sent.fault:
        console.print(
            f"[bold red]{escape(_printable(sent.fault))}[/]", highlight=False, soft_wrap=True
        )
    if sent.interrupted:
        console.print("Interrupted. The same command continues where this one stopped.")


def _rows(sent: Sent, seconds: float) -> list[tuple[str, int, str]]:
    size = sum(found.size for found in sent.stored)
    rate = decimal(int(size / seconds)) if seconds else "0 bytes"
    refused = Counter(_code(verdict.reason) for _, verdict in sent.refused)
    rows = [
        ("stored", len(sent.stored), f"{decimal(size)} in {seconds:.1f} s, {rate}/s"),
        ("stored before", len(sent.stored_before), "according to the journal of this send"),
        *(("refused", count, code) for code, count in sorted(refused.items())),
        ("not sent", sent.not_sent, "or sent without an answer: the send ended early"),
        ("not DICOM", sent.skipped, "files without the DICM prefix"),
    ]
    return [row for row in rows if row[1] or row[0] == "stored"]


def _list(title: str, judged: Sequence[tuple[Path, Verdict]], console: Console) -> None:
    if not judged:
        return
    console.print(f"\n{title}:")
    for path, verdict in judged:
        for line in (f"{_code(verdict.reason)} {path}", f"     {verdict.text}"):
            console.print(_printable(line), soft_wrap=True, markup=False, highlight=False)


def _printable(text: str) -> str:
    """Return ``text`` fit for a terminal: a file name may hold control characters."""
    return "".join(each if each.isprintable() else "?" for each in text)


def as_json(sent: Sent, seconds: float) -> str:
    """Return one JSON object with every file in it."""
    return json.dumps(
        {
            "stored": [str(found.path) for found in sent.stored],
            "storedBefore": [str(found.path) for found in sent.stored_before],
            "refused": _objects(sent.refused),
            "warnings": _objects(sent.warned),
            "notSent": sent.not_sent,
            "notDicom": sent.skipped,
            "fault": sent.fault,
            "interrupted": sent.interrupted,
            "bytes": sum(found.size for found in sent.stored),
            "seconds": round(seconds, 3),
        }
    )


def _objects(judged: Sequence[tuple[Path, Verdict]]) -> list[dict[str, str]]:
    return [
        {"path": str(path), "reason": _code(verdict.reason), "text": verdict.text}
        for path, verdict in judged
    ]


def _code(reason: int | None) -> str:
    return "" if reason is None else f"{reason:04X}"

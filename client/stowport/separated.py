"""The result of a send as comma-separated values (RFC 4180): a row for each file."""

import csv
from collections.abc import Iterator
from typing import TextIO

from stowport.ledger import Entry, State
from stowport.printing import printable
from stowport.send import Sent

_HEADINGS = ("path", "outcome", "reason", "text", "bytes")
_OUTCOMES = {
    State.STORED: "stored",
    State.STORED_BEFORE: "stored before",
    State.REFUSED: "refused",
    State.OUTSTANDING: "not sent",
    State.SKIPPED: "not DICOM",
}
_FORMULA = ("=", "+", "-", "@")


def write_csv(sent: Sent, stream: TextIO) -> None:
    """Write a row for each file that was found, with its outcome and the server's words."""
    encoding = stream.encoding or "utf-8"
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_HEADINGS)
    for row in _rows(sent):
        writer.writerow([_cell(each, encoding) for each in row])


def _rows(sent: Sent) -> Iterator[tuple[str, ...]]:
    for entry in sent.ledger.entries(*_OUTCOMES):
        yield entry.path, _OUTCOMES[entry.state], _code(entry), entry.text, str(entry.size)


def _code(entry: Entry) -> str:
    return "" if entry.reason is None else f"{entry.reason:04X}"


def _cell(text: str, encoding: str) -> str:
    """Return ``text`` as a spreadsheet shows it, and neither computes nor breaks it.

    Whoever wrote a medium chose the names of its files, and some begin like a formula.
    """
    shown = printable(text).encode(encoding, "replace").decode(encoding)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown

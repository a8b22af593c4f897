"""Every file of a send and its outcome, in a temporary database: memory does not grow with them.

The database has no name and is gone when the program ends. SQLite writes what is more than a few
megabytes of it below SQLITE_TMPDIR, TMPDIR or /tmp.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from stowport.archives import Member
from stowport.bodies import File, Part, Preceded
from stowport.packing import room_of_one
from stowport.verdicts import Verdict

_PAGE = 500
_SEPARATOR = "\\"
"""Separates UIDs, which have no backslash."""

_SCHEMA = """
PRAGMA journal_mode = MEMORY;
CREATE TABLE files (
  number INTEGER PRIMARY KEY, identity BLOB UNIQUE, state INTEGER, wave INTEGER DEFAULT 0,
  path BLOB, file BLOB, place INTEGER, size INTEGER, modified INTEGER, version INTEGER,
  before BLOB DEFAULT x'', uids TEXT, reason INTEGER, text TEXT DEFAULT '',
  sop_class_uid TEXT DEFAULT '', sop_instance_uid TEXT DEFAULT '', retrieve_url TEXT DEFAULT '',
  commitment INTEGER
);
CREATE INDEX outstanding ON files (state, wave, number);
CREATE TABLE waves (uid TEXT PRIMARY KEY, next INTEGER) WITHOUT ROWID;
"""


class State(IntEnum):
    """The outcome of a file; OPENED is a DICOMDIR or a zip file, whose files count instead."""

    OUTSTANDING = 0
    STORED_BEFORE = 1
    STORED = 2
    REFUSED = 3
    SKIPPED = 4
    OPENED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An instance in a file, or in a member of a zip file.

    ``identity`` is its path without links, and ``version`` differs after each change of it. The
    ``number`` is its place in the ledger, 0 before it is entered.
    """

    identity: bytes
    version: int
    path: str
    part: Part
    number: int = 0

    @property
    def size(self) -> int:
        """Return the bytes that are sent of it."""
        return self.part.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file and its outcome. ``path`` and ``text`` may hold what no terminal must be shown.

    ``reason`` is the Failure Reason, or the Warning Reason if it is stored. The UIDs and the
    Retrieve URL are those of the server's answer, if it names the instance. ``is_made`` tells
    whether a preamble was made for it, because the file has none. The ``commitment`` is 0 if the
    server keeps it, the Failure Reason if not, and None if it was not asked or has not said.
    """

    number: int
    path: str
    size: int
    state: State
    reason: int | None
    text: str
    is_made: bool
    sop_class_uid: str
    sop_instance_uid: str
    retrieve_url: str
    commitment: int | None


class Ledger:
    """The files of one send, shared by all threads. sqlite3.Error is raised if a disk is full."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # All threads use one connection: a second one would have a database of its own.
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Remove the database."""
        with self._lock:
            self._database.close()

    def state_of(self, identity: bytes) -> State | None:
        """Return the state of a file, None if it was not entered."""
        rows = self._rows("SELECT state FROM files WHERE identity = ?", identity)
        return State(rows[0][0]) if rows else None

    def enter(self, found: Found, *, is_stored: bool) -> None:
        """Enter an instance, which is outstanding unless it was stored before."""
        uids = sorted(found.part.sop_instance_uids)
        file, place, size, modified, before = _parts_of(found)
        self._rows(
            "INSERT OR IGNORE INTO files (identity, state, wave, path, file, place, size, modified,"
            " version, before, uids) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            found.identity,
            State.STORED_BEFORE if is_stored else State.OUTSTANDING,
            0 if is_stored else self._wave(uids),
            os.fsencode(found.path),
            os.fsencode(file),
            place,
            size,
            modified,
            found.version,
            before,
            _SEPARATOR.join(uids),
        )

    def note(self, state: State, path: str, identity: bytes, text: str = "", **of: int) -> None:
        """Enter a file that is not sent, and why; what was skipped may be entered again."""
        self._rows("DELETE FROM files WHERE identity = ? AND state = ?", identity, State.SKIPPED)
        self._rows(
            "INSERT OR IGNORE INTO files (identity, state, path, text, reason)"
            " VALUES (?, ?, ?, ?, ?)",
            identity,
            state,
            os.fsencode(path),
            text,
            of.get("reason"),
        )

    def remove_below(self, path: str) -> None:
        """Remove the members of a zip file."""
        first, last = os.fsencode(f"{path}/"), os.fsencode(f"{path}0")  # 0 comes after the slash
        self._rows("DELETE FROM files WHERE path > ? AND path < ?", first, last)

    def waves(self) -> range:
        """Return the numbers of the waves, in which no SOP Instance UID is outstanding twice.

        Files with equal UIDs keep their order: to send the waves one after the other lets the
        server decide about them in that order.
        """
        ((last,),) = self._rows("SELECT max(wave) FROM files")
        return range((last or 0) + 1)

    def outstanding(self, wave: int, limit: int) -> Iterator[Found]:
        """Yield the outstanding instances of a wave: first those too large for a request."""
        room = room_of_one(limit)
        for is_large in (True, False):
            last = 0
            while rows := self._rows(
                "SELECT number, identity, version, path, file, place, size, modified, before, uids"
                " FROM files WHERE state = ? AND wave = ? AND number > ?"
                " AND (size + length(before) > ?) = ? ORDER BY number LIMIT ?",
                State.OUTSTANDING,
                wave,
                last,
                room,
                is_large,
                _PAGE,
            ):
                yield from (_found(*row) for row in rows)
                last = rows[-1][0]

    def judge(self, found: Found, verdict: Verdict) -> None:
        """Enter the verdict on an instance."""
        reference = verdict.reference
        self._rows(
            "UPDATE files SET state = ?, reason = ?, text = ?, sop_class_uid = ?,"
            " sop_instance_uid = ?, retrieve_url = ? WHERE number = ?",
            State.STORED if verdict.stored else State.REFUSED,
            verdict.reason,
            _text(verdict.text),
            _text(reference.sop_class_uid if reference else ""),
            _text(reference.sop_instance_uid if reference else ""),
            _text(verdict.retrieve_url),
            found.number,
        )

    def commit(self, number: int, commitment: int) -> None:
        """Enter whether the server has committed to keep a stored file."""
        self._rows("UPDATE files SET commitment = ? WHERE number = ?", commitment, number)

    def count(self, *states: State) -> int:
        """Return how many files are in one of ``states``."""
        return self._number("SELECT count(*) FROM files WHERE ? >> state & 1", states)

    def size(self, *states: State) -> int:
        """Return the bytes of the instances in one of ``states``."""
        return self._number(
            "SELECT sum(size + length(before)) FROM files WHERE ? >> state & 1", states
        )

    def made(self, *states: State) -> int:
        """Return for how many files in one of ``states`` a preamble was made."""
        return self._number(
            "SELECT count(*) FROM files WHERE ? >> state & 1 AND length(before)", states
        )

    def reasons(self) -> list[tuple[int | None, int]]:
        """Return how often files were refused for each Failure Reason."""
        return self._rows(
            "SELECT reason, count(*) FROM files WHERE state = ? GROUP BY reason ORDER BY reason",
            State.REFUSED,
        )

    def entries(self, *states: State) -> Iterator[Entry]:
        """Yield the files in one of ``states``, in the order in which they were found."""
        last = 0
        while rows := self._rows(
            "SELECT number, path, size + length(before), state, reason, text, length(before),"
            " sop_class_uid, sop_instance_uid, retrieve_url, commitment FROM files"
            " WHERE number > ? AND ? >> state & 1 ORDER BY number LIMIT ?",
            last,
            _mask(states),
            _PAGE,
        ):
            yield from (_entry(*row) for row in rows)
            last = rows[-1][0]

    def _wave(self, uids: list[str]) -> int:
        known = [row[0] for uid in uids for row in self._rows(_NEXT_WAVE, uid)]
        wave: int = max(known, default=0)
        for uid in uids:
            self._rows("INSERT OR REPLACE INTO waves VALUES (?, ?)", uid, wave + 1)
        return wave

    def _number(self, statement: str, states: tuple[State, ...]) -> int:
        ((number,),) = self._rows(statement, _mask(states))
        return number or 0

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()


_NEXT_WAVE = "SELECT next FROM waves WHERE uid = ?"


def _mask(states: tuple[State, ...]) -> int:
    return sum(1 << state for state in states)


def _parts_of(found: Found) -> tuple[Path, int | None, int, int, bytes]:
    """Return file, place in it if it is a zip file, size, time of modification, what is made."""
    content, before = found.part.content, b""
    if isinstance(content, Preceded):
        before = content.before
        content = content.content
    if isinstance(content, Member):
        return content.archive, content.place, content.size, content.modified, before
    assert isinstance(content, File)  # noqa: S101 - nothing else is found
    return content.path, None, content.size, content.modified, before


def _found(  # noqa: PLR0913, PLR0917 - a row of the table
    number: int,
    identity: bytes,
    version: int,
    path: bytes,
    file: bytes,
    place: int | None,
    size: int,
    modified: int,
    before: bytes,
    uids: str,
) -> Found:
    name = Path(os.fsdecode(file))
    content = File(name, size, modified) if place is None else Member(name, place, size, modified)
    part = Part(
        content=Preceded(before, content) if before else content,
        sop_instance_uids=frozenset(uids.split(_SEPARATOR) if uids else ()),
    )
    return Found(
        identity=identity, version=version, path=os.fsdecode(path), part=part, number=number
    )


def _entry(number: int, path: bytes, size: int | None, state: int, *rest: Any) -> Entry:  # noqa: ANN401 - a row of the table
    reason, text, made, sop_class_uid, sop_instance_uid, retrieve_url, commitment = rest
    return Entry(
        number=number,
        path=os.fsdecode(path),
        size=size or 0,
        state=State(state),
        reason=reason,
        text=text,
        is_made=bool(made),
        sop_class_uid=sop_class_uid,
        sop_instance_uid=sop_instance_uid,
        retrieve_url=retrieve_url,
        commitment=commitment,
    )


def _text(said: str) -> str:
    """Return what a server said as text that SQLite takes: JSON may hold half a surrogate pair."""
    return said.encode("utf-8", "replace").decode()

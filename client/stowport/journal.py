"""What was confirmed so far, so that a send goes on where another one ended.

A database in the user's state directory has a digest for each file of what was sent, and where to.
Sending a file twice does no harm, so a lost entry costs only time.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from stowport.ledger import Found

MOST = 1_000_000
"""Entries that are kept: about 50 MB. The oldest go first."""

_BUSY_SECONDS = 5.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS stored (digest BLOB PRIMARY KEY, at INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_age ON stored (at);
"""


def state_folder() -> Path:
    """Return the folder of the journal, in the user's state directory."""
    state = Path(os.environ.get("XDG_STATE_HOME") or _home() / ".local" / "state")
    return state / "stowport"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # users in containers often have none; then there is no journal
        return Path(os.devnull)


class Journal:
    """The journal in ``folder``, of sends to one service and, if given, into one ``study``.

    An entry is written at once, in case the send is interrupted. ``fault`` says why the journal
    cannot be kept, if so. Files are sent nevertheless. With ``again`` no file counts as stored.
    """

    def __init__(
        self, folder: Path, url: str, study: str | None = None, *, again: bool = False
    ) -> None:
        self.fault = ""
        self._target = f"{url}\0{study or ''}\0".encode()
        self._again = again
        self._path = folder / "journal.sqlite3"
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        with self._noting_faults():
            self._database = _opened(self._path)

    def __contains__(self, found: Found) -> bool:
        if self._again:
            return False
        statement = "SELECT 1 FROM stored WHERE digest = ?"
        return bool(self._run([(statement, (self._digest(found),))]))

    def add(self, confirmed: Iterable[Found]) -> None:
        """Note what the server has confirmed."""
        now = int(time.time())
        statement = "INSERT OR REPLACE INTO stored VALUES (?, ?)"
        self._run([(statement, (self._digest(found), now)) for found in confirmed])

    def close(self) -> None:
        """Remove what is too old, and close the journal."""
        oldest = "SELECT digest FROM stored ORDER BY at DESC LIMIT -1 OFFSET ?"
        self._run([(f"DELETE FROM stored WHERE digest IN ({oldest})", (MOST,))])  # noqa: S608 - no values are in it
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._database:
            self._database.close()
        self._database = None

    def _digest(self, found: Found) -> bytes:
        """Return the entry of a file. It does not tell the path, which may name a patient."""
        what = b"%b%b\0%d\0%d" % (self._target, found.identity, found.version, found.size)
        return sha256(what).digest()[:16]

    def _run(self, statements: Iterable[tuple[str, tuple[object, ...]]]) -> list[object]:
        """Run statements in one transaction, and return what the last one found."""
        found: list[object] = []
        with self._lock, self._noting_faults():
            if self._database:
                with self._database:
                    for statement, values in statements:
                        found = self._database.execute(statement, values).fetchall()
        return found

    @contextmanager
    def _noting_faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.fault = error.strerror or type(error).__name__
        except sqlite3.OperationalError as error:
            self.fault = str(error)
        except sqlite3.Error:  # it is damaged, or no database: a new one costs only time
            self.fault = "it was damaged, and is removed"
            self._close()
            with suppress(OSError):
                self._path.unlink()


def _opened(path: Path) -> sqlite3.Connection:
    """Open the database, which only the user may read, and make what it lacks."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    database = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
    try:
        # What is written survives the program, which is enough: a loss of power costs only time.
        database.executescript(f"PRAGMA synchronous = OFF;{_SCHEMA}")
    except sqlite3.Error:
        database.close()
        raise
    return database

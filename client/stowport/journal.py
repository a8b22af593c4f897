"""What was confirmed so far, so that a send continues where it was interrupted.

One line of JSON for each file: path, time of modification and size. Sending a file twice does no
harm, so a lost line costs only time.
"""

import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from stowport.finding import Found


def journal_of(url: str, study: str | None, paths: Iterable[Path]) -> Path:
    """Return where the journal of exactly this send is kept, in the user's state directory."""
    state = Path(os.environ.get("XDG_STATE_HOME") or _home() / ".local" / "state")
    told = json.dumps([url, study, sorted(map(os.path.realpath, paths))])
    return state / "stowport" / f"{sha256(told.encode()).hexdigest()[:24]}.jsonl"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # users in containers often have none; then there is no journal
        return Path(os.devnull)


class Journal:
    """The journal at ``path``; each entry is written at once, in case the send is interrupted.

    ``fault`` says why the journal cannot be kept, if so. Files are sent nevertheless.
    """

    def __init__(self, path: Path) -> None:
        self.fault = ""
        self._path = path
        self._lock = threading.Lock()
        self._entries = self._read()

    def __contains__(self, found: Found) -> bool:
        return _entry(found) in self._entries

    def add(self, confirmed: Iterable[Found]) -> None:
        """Note what the server has confirmed."""
        lines = "".join(f"{_entry(found)}\n" for found in confirmed)
        if not lines:
            return
        with self._lock, self._noting_faults():
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            private = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(private, "a", encoding="utf-8") as stream:
                stream.write(lines)

    def forget(self) -> None:
        """Remove the journal: everything is done, or everything is to be sent again."""
        self._entries = frozenset()
        with self._noting_faults():
            self._path.unlink(missing_ok=True)

    def _read(self) -> frozenset[str]:
        with self._noting_faults(), suppress(FileNotFoundError):
            return frozenset(self._path.read_text("utf-8", errors="replace").splitlines())
        return frozenset()

    @contextmanager
    def _noting_faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.fault = error.strerror or type(error).__name__


def _entry(found: Found) -> str:
    return json.dumps([os.path.realpath(found.path), found.modified, found.size])

"""What was stored is remembered, within bounds, and no fault of the journal stops a send."""

import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from stowport import journal
from stowport.bodies import File, Part
from stowport.journal import Journal
from stowport.ledger import Found

URL = "https://archive.example.org"


Open = Callable[..., Journal]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Open a journal, and close it after the test."""
    with ExitStack() as stack:

        def open_one(folder: Path, *target: str, again: bool = False) -> Journal:
            return stack.enter_context(closing(Journal(folder, *(target or (URL,)), again=again)))

        yield open_one


def found(number: int, version: int = 1, size: int = 10) -> Found:
    path = Path(f"/patients/Doe^Jane/{number}.dcm")
    content = File(path, size, version)
    return Found(identity=bytes(path), version=version, path=str(path), part=Part(content=content))


def test_what_was_added_is_there_in_the_next_journal(tmp_path: Path, opened: Open) -> None:
    first = opened(tmp_path)
    first.add(map(found, range(3)))
    first.close()
    second = opened(tmp_path)
    assert [found(number) in second for number in range(4)] == [True, True, True, False]
    assert found(1, version=2) not in second
    assert found(1, size=11) not in second
    assert found(1) not in opened(tmp_path, URL, "1.2.3")
    assert found(1) not in opened(tmp_path, "https://other.example.org")
    assert found(1) not in opened(tmp_path, URL, again=True)
    assert second.fault == ""


def test_it_is_for_the_user_alone_and_names_no_path(tmp_path: Path, opened: Open) -> None:
    kept = opened(tmp_path / "stowport")
    kept.add([found(1)])
    kept.close()
    (file,) = (tmp_path / "stowport").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert b"Doe" not in file.read_bytes()
    assert b"example" not in file.read_bytes()


def test_it_is_bounded_and_the_oldest_entries_go_first(
    tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MOST", 3)
    for second in range(5):
        monkeypatch.setattr("time.time", lambda second=second: float(second))
        kept = opened(tmp_path)
        kept.add([found(second)])
        kept.close()
    last = opened(tmp_path)
    assert [number for number in range(5) if found(number) in last] == [2, 3, 4]


def test_one_that_is_no_database_is_made_anew(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "journal.sqlite3").write_bytes(b"no database" * 500)
    damaged = opened(tmp_path)
    assert found(1) not in damaged
    damaged.add([found(1)])
    assert "damaged" in damaged.fault
    opened(tmp_path).add([found(1)])
    assert found(1) in opened(tmp_path)


def test_one_that_is_damaged_is_made_anew(tmp_path: Path, opened: Open) -> None:
    kept = opened(tmp_path)
    kept.add(map(found, range(1000)))
    kept.close()
    file = tmp_path / "journal.sqlite3"
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    damaged = opened(tmp_path)
    assert found(1) not in damaged
    assert "damaged" in damaged.fault
    damaged.close()
    assert opened(tmp_path).fault == ""


@pytest.mark.parametrize(
    ("pragma", "fault"), [("max_page_count = 1", "full"), ("query_only = 1", "readonly")]
)
def test_a_folder_that_is_full_or_read_only_is_a_fault_and_no_exception(
    tmp_path: Path, opened: Open, pragma: str, fault: str
) -> None:
    kept = opened(tmp_path)
    assert isinstance(kept._database, sqlite3.Connection)
    kept._database.execute(f"PRAGMA {pragma}")
    kept.add(map(found, range(1000)))
    assert fault in kept.fault
    assert found(1) not in kept
    kept.close()


def test_two_sends_at_a_time_keep_one_journal(tmp_path: Path, opened: Open) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    first.add([found(1)])
    second.add([found(2)])
    assert found(1) in second
    assert found(2) in first

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Semaphore
from typing import TYPE_CHECKING

import pytest

from archive.items import ItemKey
from archive.shared import SharedItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.items import Item

KEY = ItemKey("1.2", "study")


class SlowIndex:
    """An index whose writes begin, wait until they are let go, and end as they are told."""

    def __init__(self) -> None:
        self.begun, self.let_go = Event(), Event()
        self.error: Exception | None = None
        self.added: list[Item] = []

    def add(self, _: ItemKey, values: "Item", *, unless: "Sequence[str]" = ()) -> None:
        assert not unless
        self.added.append(values)
        self.begun.set()
        assert self.let_go.wait(10)
        if self.error:
            raise self.error


@pytest.fixture
def index() -> SlowIndex:
    return SlowIndex()


@pytest.fixture
def study() -> SharedItem:
    shared = SharedItem(KEY, {"StudyID": {"S": "stored"}})
    shared.expect({"StudyID": {"S": "new"}, "StudyDate": {"S": "20260102"}})
    shared.expect({"StudyDate": {"S": "20260103"}})
    return shared


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Semaphore:
    """Released by each who begins to wait for a write."""
    released = Semaphore(0)

    class NotedFuture(Future[None]):
        def result(self, timeout: float | None = None) -> None:
            released.release()
            return super().result(timeout)

    monkeypatch.setattr("archive.shared.Future", NotedFuture)
    return released


def begin(
    pool: ThreadPoolExecutor, study: SharedItem, index: SlowIndex, waiting: Semaphore
) -> list[Future[None]]:
    """Begin to write ``study``, and let three others wait for that."""
    first = pool.submit(write, study, index)
    assert index.begun.wait(10)
    others = [pool.submit(write, study, index) for _ in range(3)]
    assert all(waiting.acquire(timeout=10) for _ in others)
    return [first, *others]


def write(study: SharedItem, index: SlowIndex) -> None:
    study.write_once(index)  # type: ignore[arg-type] # it stands in for an Index


def test_what_was_stored_is_not_written(index: SlowIndex) -> None:
    shared = SharedItem(KEY, {"StudyID": {"S": "stored"}})
    shared.expect({"StudyID": {"S": "new"}})

    write(shared, index)

    assert index.added == []


def test_those_who_come_during_the_write_wait_for_it(
    study: SharedItem, index: SlowIndex, waiting: Semaphore
) -> None:
    with ThreadPoolExecutor() as pool:
        writing = begin(pool, study, index, waiting)
        assert not any(future.done() for future in writing)
        index.let_go.set()

        assert [future.result(10) for future in writing] == [None] * 4
    assert index.added == [{"StudyDate": {"S": "20260102"}}]


def test_those_who_come_after_the_write_find_it_done(study: SharedItem, index: SlowIndex) -> None:
    index.let_go.set()

    for _ in range(3):
        write(study, index)

    assert len(index.added) == 1


def test_a_failure_is_shared_and_who_comes_after_it_tries_again(
    study: SharedItem, index: SlowIndex, waiting: Semaphore
) -> None:
    index.error = TimeoutError()
    with ThreadPoolExecutor() as pool:
        writing = begin(pool, study, index, waiting)
        index.let_go.set()

        assert [future.exception(10) for future in writing] == [index.error] * 4
    assert len(index.added) == 1

    index.error = None
    write(study, index)
    assert len(index.added) == 2

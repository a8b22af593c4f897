"""Which threads store a request, and which of them the next request uses."""

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest

from archive.deadline import Deadline
from archive.entries import DuplicatePolicy, Entry, Identity, Kept
from archive.items import instance_key, series_key, study_key
from archive.keeping import Keeping
from archive.shared import SharedItem
from dicomweb.instances import SOPInstance
from tests.archive.deployment import (
    OBJECT,
    PROVENANCE,
    READ,
    Sender,
    instance,
    refusal,
)
from tests.writers import wait_for_writers


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the archive's threads that were started."""
    names: list[str] = []
    start = Thread.start

    def count(thread: Thread) -> None:
        if thread.name.startswith("archive"):
            names.append(thread.name)
        start(thread)

    monkeypatch.setattr(Thread, "start", count)
    return names


def test_an_instance_takes_three_threads(sender: Sender, started: list[str]) -> None:
    """One stores it, one computes its digest, one puts it."""
    sender.outcomes(instance())

    assert len(started) == 3


def test_the_digest_is_computed_while_the_index_is_read(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = Event()

    def sha256(content: memoryview) -> Any:  # noqa: ANN401 - hashlib does not name its type
        computed.set()
        return hashlib.sha256(content)

    monkeypatch.setattr("archive.entries.hashlib", SimpleNamespace(sha256=sha256))

    def wait_for_the_digest(**_: object) -> None:
        assert computed.wait(10)

    with sender.hooked(f"before-call.{READ}", wait_for_the_digest):
        assert sender.outcomes(instance()) == ["stored"]


def test_the_next_request_starts_no_threads(sender: Sender, started: list[str]) -> None:
    sender.outcomes(instance(1))
    wait_for_writers()
    started.clear()

    assert sender.outcomes(instance(2)) == ["stored"]

    assert started == []


def test_a_thread_that_hangs_is_left_behind_and_the_next_request_has_others(
    sender: Sender, started: list[str]
) -> None:
    let_go = Event()

    def hang(**_: object) -> None:
        assert let_go.wait(20)

    with sender.hooked(f"before-call.{READ}", hang):
        assert sender.outcomes(instance(1), seconds=0.2) == ["OUT_OF_RESOURCES"]
    started.clear()

    assert sender.outcomes(instance(1)) == ["stored"]

    assert len(started) == 3
    let_go.set()


def test_after_a_failure_the_next_request_has_other_threads(
    sender: Sender, started: list[str]
) -> None:
    refused = refusal("AccessDenied", HTTPStatus.FORBIDDEN)
    with sender.hooked(f"before-call.{OBJECT}", lambda **_: refused):
        assert sender.outcomes(instance(1)) == ["PROCESSING_FAILURE"]
    started.clear()

    assert sender.outcomes(instance(1)) == ["stored"]

    assert len(started) == 3


def test_requests_of_several_studies_share_the_connections_and_leave_no_threads(
    sender: Sender, started: list[str]
) -> None:
    sent = [instance(number, study=f"1.{study}") for study in (2, 3) for number in range(12)]

    assert sender.outcomes(*sent) == ["stored"] * 24

    assert len(started) <= 3 + 2 * (8 + 8)
    sender.archive.wait()
    started.clear()
    assert sender.outcomes(instance(99)) == ["stored"]
    assert started


def test_nothing_is_waited_for_before_anything_was_kept(sender: Sender) -> None:
    sender.archive.wait()

    assert sender.calls == {}


def test_what_has_failed_already_is_not_put() -> None:
    failed, put = Event(), []
    one, other = instance(1), instance(2)

    def insert(*_: object) -> None:
        failed.set()
        raise ValueError

    def put_one(sent: object, *_: object) -> None:
        assert failed.wait(10)
        put.append(sent)

    def entry(sent: SOPInstance) -> Entry:
        study, series = SharedItem(study_key(sent), {}), SharedItem(series_key(sent), {})
        return Entry(sent, "", Identity(instance_key(sent), {}), study, series, None, Future())

    index: Any = SimpleNamespace(insert=insert)
    putting = ThreadPoolExecutor(1)
    keeping = Keeping(
        put=put_one,
        index=index,
        provenance=PROVENANCE,
        duplicate_policy=DuplicatePolicy.REJECT,
        deadline=Deadline(20),
        putting=putting,
        writing=ThreadPoolExecutor(1),
    )
    entries = [entry(one), entry(other)]

    keeping.store(entries)
    putting.shutdown()

    outcomes: list[Future[Kept]] = [each.outcome for each in entries]
    assert all(isinstance(outcome.exception(), ValueError) for outcome in outcomes)
    assert put == [one]

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from archive.deadline import Deadline
from archive.errors import ArchiveError
from dicomweb.reasons import FailureReason
from tests.archive.deployment import (
    COMMIT,
    INSERT,
    OBJECT,
    PARENT,
    PROVENANCE,
    READ,
    ROUNDS,
    Deployment,
    Sender,
    instance,
    refusal,
)
from tests.writers import wait_for_writers


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("archive.deadline.time", clock)
    return clock


def test_a_deadline_passes_once_its_seconds_are_over(clock: Clock) -> None:
    deadline = Deadline(2.0)
    clock.now += 1.5
    deadline.check()
    assert deadline.seconds_left == 0.5

    clock.now += 0.5
    with pytest.raises(ArchiveError) as raised:
        deadline.check()

    assert raised.value.reason is FailureReason.OUT_OF_RESOURCES
    assert deadline.seconds_left == 0


def test_pauses_grow_to_a_second_and_never_pass_the_deadline(clock: Clock) -> None:
    deadline = Deadline(5.0)

    for attempt in range(8):
        deadline.pause(attempt)

    with pytest.raises(ArchiveError):
        deadline.pause(8)

    assert clock.slept == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0]
    assert deadline.seconds_left > 0


def test_without_time_nothing_is_called(sender: Sender) -> None:
    for seconds in (0, -1):
        assert sender.outcomes(instance(1), seconds=seconds) == ["OUT_OF_RESOURCES"]
    wait_for_writers()

    assert sender.calls == {}


@pytest.mark.parametrize("call", [READ, OBJECT, INSERT])
def test_a_call_that_hangs_does_not_hold_the_answer_back(
    sender: Sender, deployment: Deployment, call: str
) -> None:
    let_go = Event()
    study = [instance(number) for number in range(40)]

    def hang(**_: object) -> None:
        assert let_go.wait(20)

    with sender.hooked(f"before-call.{call}", hang):
        start = time.monotonic()
        kept = sender.archive.keep(study, seconds=0.5, provenance=PROVENANCE)
        took = time.monotonic() - start

        assert took < 2
        assert all(isinstance(each, ArchiveError) and each.temporary for each in kept)
        let_go.set()
        wait_for_writers()

    deployment.check()
    assert sender.outcomes(*study) == ["stored"] * 40
    assert len(deployment.items()) == 42


@pytest.mark.parametrize(
    ("last", "call"), [(number, call) for number, calls in enumerate(ROUNDS) for call in calls]
)
def test_no_round_begins_after_the_deadline(sender: Sender, last: int, call: str) -> None:
    let_go = Event()
    made = Counter(each for calls in ROUNDS[: last + 1] for each in calls)

    def hang(**_: object) -> None:
        if sender.calls[call] == made[call]:
            assert let_go.wait(20)

    with sender.hooked(f"before-call.{call}", hang):
        # Long enough for the steps before it, however busy the machine is.
        assert sender.outcomes(instance(), seconds=2.5) == ["OUT_OF_RESOURCES"]
        let_go.set()
        wait_for_writers()

    assert sender.calls == made


def test_what_was_durable_by_the_deadline_is_stored(sender: Sender, deployment: Deployment) -> None:
    let_go = Event()

    def hang(params: dict[str, str], **_: object) -> None:
        if "1.2.1.2/" in params["url_path"]:
            assert let_go.wait(20)

    with sender.hooked(f"before-call.{OBJECT}", hang):
        kept = sender.outcomes(instance(1), instance(2), instance(3), seconds=3)
        let_go.set()

    assert kept == ["stored", "OUT_OF_RESOURCES", "stored"]
    deployment.check()


def test_an_instance_behind_one_that_hangs_under_its_uids_fails_at_the_deadline(
    sender: Sender, deployment: Deployment
) -> None:
    let_go = Event()

    def hang(**_: object) -> None:
        assert let_go.wait(20)

    with sender.hooked(f"before-call.{OBJECT}", hang):
        kept = sender.outcomes(instance(1, b"one"), instance(1, b"two"), seconds=0.5)
        let_go.set()
        wait_for_writers()

    assert kept == ["OUT_OF_RESOURCES"] * 2
    assert list(deployment.objects().values()) == [b"one"]


@pytest.mark.parametrize(
    ("call", "alone"),
    [(OBJECT, False), (INSERT, False), (PARENT, True), (COMMIT, True)],
)
def test_a_write_of_one_study_that_hangs_does_not_hold_up_another_study(
    sender: Sender, deployment: Deployment, call: str, *, alone: bool
) -> None:
    let_go, gave_up = Event(), time.monotonic() + 10
    hanging = [instance(number, study="1.3") for number in range(17)]
    others = [instance(number, study="1.4") for number in range(2)]

    def hang(params: dict[str, object], **_: object) -> None:
        if "1.3.1" in f"{params['url_path']} {params['body']!r}":
            assert let_go.wait(20)

    if alone:
        sender.on(f"before-call.{INSERT}", lambda **_: refusal("ThrottlingException"))
    with sender.hooked(f"before-call.{call}", hang), ThreadPoolExecutor() as pool:
        kept = pool.submit(sender.outcomes, *hanging, *others)
        while len(deployment.items("1.4")) < 4 and time.monotonic() < gave_up:
            time.sleep(0.01)
        deployment.check("1.4")
        committed = [key for key in deployment.items("1.3") if key.startswith("instances/")]
        let_go.set()

        assert kept.result(20) == ["stored"] * 19
    assert committed == []
    assert time.monotonic() < gave_up

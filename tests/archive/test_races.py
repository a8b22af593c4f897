"""Two senders of the same UIDs at the same time, in any order of their calls.

Whatever the order, and wherever one of them is cut off: at every moment what is committed is
whole, nobody who was told "stored" loses the bytes, and sending again ends in one state.
"""

import itertools
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from threading import Condition

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.entries import DuplicatePolicy
from archive.objects import key_of
from dicomweb.instances import SOPInstance
from tests.archive.deployment import (
    CALLS,
    COMMIT,
    INSERT,
    Deployment,
    Sender,
    instance,
)


class CutOff(Exception):
    """The sender's request ends here."""


@dataclass(frozen=True)
class Cut:
    """Where a sender is cut off: at its ``call``-th call, before it or after it was done."""

    call: int
    moment: str


class Turns:
    """Lets two senders make their calls, one at a time, in a given ``order`` of senders.

    A sender that is finished gives its turns up; when the order is used up, any may go.
    """

    def __init__(self, order: Sequence[int], cuts: Sequence[Cut | None]) -> None:
        self._order = deque(order)
        self._cuts = cuts
        self._made = [0, 0]
        self._finished: set[int] = set()
        self._calling: int | None = None
        self._changed = Condition()

    def _may_go(self, sender: int) -> bool:
        while self._order and self._order[0] in self._finished:
            self._order.popleft()
        return self._calling is None and (not self._order or self._order[0] == sender)

    def begin(self, sender: int, **_: object) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._may_go(sender), 20)
            if self._order:
                self._order.popleft()
            self._made[sender] += 1
            self._calling = sender
        self._cut(sender, "before")

    def end(self, sender: int, **_: object) -> None:
        self._cut(sender, "after")
        self._release()

    def finish(self, sender: int) -> None:
        with self._changed:
            self._finished.add(sender)
            self._changed.notify_all()

    def _release(self) -> None:
        with self._changed:
            self._calling = None
            self._changed.notify_all()

    def _cut(self, sender: int, moment: str) -> None:
        if self._cuts[sender] == Cut(self._made[sender], moment):
            self._release()
            raise CutOff


def race(senders: Sequence[Sender], sent: Sequence[SOPInstance], turns: Turns) -> list[str]:
    """Return what became of each sender's instance."""

    def send(number: int) -> str:
        try:
            return senders[number].outcomes(sent[number])[0]
        finally:
            turns.finish(number)

    with ExitStack() as hooks, ThreadPoolExecutor() as pool:
        for (number, sender), call in itertools.product(enumerate(senders), CALLS):
            hooks.enter_context(sender.hooked(f"before-call.{call}", partial(turns.begin, number)))
            hooks.enter_context(sender.hooked(f"after-call.{call}", partial(turns.end, number)))
        return list(pool.map(send, range(len(senders))))


orders = st.lists(st.integers(0, 1), max_size=14)
cuts = st.none() | st.builds(Cut, st.integers(1, 6), st.sampled_from(("before", "after")))


@pytest.mark.parametrize("policy", DuplicatePolicy)
@pytest.mark.parametrize("same", [True, False], ids=["same-bytes", "other-bytes"])
def test_racing_senders_leave_one_winner_and_lose_nothing(
    deployment: Deployment, policy: DuplicatePolicy, same: bool
) -> None:
    senders = [Sender(policy), Sender(policy)]
    studies = itertools.count(1)
    contents = [b"one", b"one" if same else b"two"]

    @settings(max_examples=20, deadline=None)
    @given(orders, cuts, cuts)
    def check(order: list[int], first: Cut | None, second: Cut | None) -> None:
        study = f"1.2.{next(studies)}"
        sent = [instance(1, content, study=study) for content in contents]

        raced = race(senders, sent, Turns(order, (first, second)))
        deployment.check(study)
        acknowledged = {
            content for content, kept in zip(contents, raced, strict=True) if kept == "stored"
        }
        assert acknowledged <= set(deployment.objects(study).values())

        again = [sender.outcomes(each)[0] for sender, each in zip(senders, sent, strict=True)]
        deployment.check(study)
        item = deployment.items(study)[f"instances/{study}.1/{study}.1.1"]
        current = deployment.objects(study)[key_of(item)]
        if policy is DuplicatePolicy.REPLACE or same:
            assert again == ["stored"] * 2
            assert current == contents[1]
        else:
            assert sorted(again) == ["DUPLICATE_SOP_INSTANCE", "stored"]
            assert current == contents[again.index("stored")]
            assert acknowledged <= {current}

    check()


@pytest.mark.parametrize(
    ("policy", "theirs", "outcome", "current"),
    [
        (DuplicatePolicy.REJECT, b"mine", "stored", b"mine"),
        (DuplicatePolicy.REJECT, b"theirs", "DUPLICATE_SOP_INSTANCE", b"theirs"),
        (DuplicatePolicy.REPLACE, b"mine", "stored", b"mine"),
        (DuplicatePolicy.REPLACE, b"theirs", "stored", b"mine"),
    ],
)
def test_a_sender_overtaken_before_its_commit(
    deployment: Deployment, policy: DuplicatePolicy, theirs: bytes, outcome: str, current: bytes
) -> None:
    mine, other = Sender(policy), Sender(policy)
    overtaken: list[list[str]] = []

    def overtake(**_: object) -> None:
        if not overtaken:
            overtaken.append(other.outcomes(instance(1, theirs)))

    with mine.hooked(f"before-call.{INSERT}", overtake):
        assert mine.outcomes(instance(1, b"mine")) == [outcome]

    assert overtaken == [["stored"]]
    item = deployment.items()["instances/1.2.1/1.2.1.1"]
    assert deployment.objects()[key_of(item)] == current
    assert set(deployment.objects().values()) == {b"mine", theirs}


def test_a_replacement_overtaken_by_the_same_bytes_is_stored(deployment: Deployment) -> None:
    mine, other = Sender(DuplicatePolicy.REPLACE), Sender(DuplicatePolicy.REPLACE)
    other.outcomes(instance(1, b"old"))

    def overtake(**_: object) -> None:
        other.outcomes(instance(1, b"new"))

    with mine.hooked(f"before-call.{COMMIT}", overtake):
        assert mine.outcomes(instance(1, b"new")) == ["stored"]

    assert mine.calls[COMMIT] == 1
    deployment.check()


def test_many_senders_of_one_study_store_all_of_it(deployment: Deployment) -> None:
    senders = [Sender() for _ in range(4)]
    study = [instance(number, b"%d" % number) for number in range(12)]

    with ThreadPoolExecutor() as pool:
        kept = list(pool.map(lambda sender: sender.outcomes(*study), senders))

    assert kept == [["stored"] * 12] * 4
    assert len(deployment.objects()) == 12
    deployment.check()

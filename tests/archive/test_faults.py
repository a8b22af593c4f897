from collections import Counter
from http import HTTPStatus
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from archive import ArchiveError, DuplicatePolicy
from dicomweb.reasons import FailureReason
from tests.archive.deployment import (
    BUCKET,
    COMMIT,
    OBJECT,
    PARENT,
    READ,
    STEPS,
    TABLE,
    Answer,
    Deployment,
    Hook,
    Sender,
    instance,
    refusal,
)

Fault = Answer | Exception


class Crash(Exception):
    """The environment goes away in the middle of a request."""


def fails(fault: Fault, *, among: str = "") -> Hook:
    """Return a hook that answers, or raises, ``fault`` for the calls that name ``among``."""

    def hook(params: dict[str, Any], **_: object) -> Answer | None:
        if among not in f"{params['url_path']} {params['body']!r}":
            return None
        if isinstance(fault, Exception):
            raise fault
        return fault

    return hook


def crashes(at: int) -> Hook:
    """Return a hook that crashes at the ``at``-th call, from 1, and lets the others pass."""
    calls: Counter[str] = Counter()

    def hook(event_name: str, **_: object) -> None:
        calls[event_name] += 1
        if calls[event_name] == at:
            raise Crash

    return hook


THROTTLED = refusal("ThrottlingException")
FAULTS: list[tuple[Fault, str]] = [
    (THROTTLED, "OUT_OF_RESOURCES"),
    (refusal("InternalError", HTTPStatus.INTERNAL_SERVER_ERROR), "OUT_OF_RESOURCES"),
    (refusal("SlowDown", HTTPStatus.SERVICE_UNAVAILABLE), "OUT_OF_RESOURCES"),
    (ReadTimeoutError(endpoint_url=BUCKET), "OUT_OF_RESOURCES"),
    (ConnectTimeoutError(endpoint_url=BUCKET), "OUT_OF_RESOURCES"),
    (refusal("AccessDenied", HTTPStatus.FORBIDDEN), "PROCESSING_FAILURE"),
    (ValueError(f"{BUCKET} {TABLE} Planted^Name"), "PROCESSING_FAILURE"),
]


@pytest.mark.parametrize(("fault", "reason"), FAULTS)
@pytest.mark.parametrize("call", [OBJECT, COMMIT])
def test_one_that_fails_does_not_hold_up_the_others(
    sender: Sender, deployment: Deployment, call: str, fault: Fault, reason: str
) -> None:
    study = [instance(number) for number in (11, 22, 33)]

    with sender.hooked(f"before-call.{call}", fails(fault, among="1.2.1.22")):
        kept = sender.outcomes(*study)

    assert kept == ["stored", reason, "stored"]
    assert "instances/1.2.1/1.2.1.22" not in deployment.items()
    assert sender.outcomes(*study) == ["stored"] * 3
    deployment.check()


@pytest.mark.parametrize(("fault", "reason"), FAULTS)
@pytest.mark.parametrize("call", [READ, OBJECT, PARENT, COMMIT])
def test_the_text_for_the_sender_says_what_was_expected_and_no_names(
    sender: Sender, call: str, fault: Fault, reason: str
) -> None:
    with sender.hooked(f"before-call.{call}", fails(fault)):
        (error,) = sender.archive.keep([instance()], seconds=20)

    assert isinstance(error, ArchiveError)
    assert error.reason is FailureReason[reason]
    assert str(error).isascii()
    assert not [name for name in (BUCKET, TABLE, "Planted") if name in str(error)]


def test_when_the_index_cannot_be_read_all_fail_and_nothing_is_written(
    sender: Sender, deployment: Deployment
) -> None:
    with sender.hooked(f"before-call.{READ}", fails(THROTTLED)):
        assert sender.outcomes(instance(1), instance(2)) == ["OUT_OF_RESOURCES"] * 2

    assert sender.calls == {READ: 1}
    assert deployment.objects() == {}


def test_a_series_that_cannot_be_written_fails_its_instances_alone(
    sender: Sender, deployment: Deployment
) -> None:
    sent = [instance(1), instance(2, series="9"), instance(3), instance(4, series="9")]

    with sender.hooked(f"before-call.{PARENT}", fails(THROTTLED, among="series/1.2.9")):
        kept = sender.outcomes(*sent)

    assert kept == ["stored", "OUT_OF_RESOURCES"] * 2
    deployment.check()
    assert sender.outcomes(*sent) == ["stored"] * 4
    deployment.check()


def test_other_bytes_have_their_turn_when_the_first_under_their_uids_fail(
    sender: Sender, deployment: Deployment
) -> None:
    with sender.hooked(f"before-call.{OBJECT}", crashes(at=1)):
        kept = sender.outcomes(instance(1, b"one"), instance(1, b"two"))

    assert kept == ["PROCESSING_FAILURE", "stored"]
    assert list(deployment.objects().values()) == [b"two"]


@pytest.mark.parametrize("policy", DuplicatePolicy)
@pytest.mark.parametrize("moment", ["before-call", "after-call"])
@pytest.mark.parametrize(("call", "at"), STEPS)
def test_a_crash_at_any_step_and_a_second_send_end_as_if_nothing_had_happened(
    deployment: Deployment, policy: DuplicatePolicy, moment: str, call: str, at: int
) -> None:
    sender = Sender(policy)
    sender.outcomes(instance(study="1.3"))
    undisturbed = str(deployment.state("1.3")).replace("1.3", "1.2")

    with sender.hooked(f"{moment}.{call}", crashes(at)):
        assert sender.outcomes(instance()) == ["PROCESSING_FAILURE"]
    deployment.check()

    assert sender.outcomes(instance()) == ["stored"]
    assert str(deployment.state()) == undisturbed


def test_an_object_left_by_a_crash_is_not_sent_twice_nor_refused(
    sender: Sender, deployment: Deployment
) -> None:
    with sender.hooked(f"after-call.{OBJECT}", crashes(at=1)):
        sender.outcomes(instance())

    assert sender.outcomes(instance()) == ["stored"]

    assert len(deployment.objects()) == 1


def test_two_writes_of_a_key_at_once_are_tried_again(sender: Sender) -> None:
    conflicts = [refusal("ConditionalRequestConflict", HTTPStatus.CONFLICT)] * 2

    with sender.hooked(f"before-call.{OBJECT}", lambda **_: conflicts.pop() if conflicts else None):
        assert sender.outcomes(instance()) == ["stored"]

    assert sender.calls[OBJECT] == 3


def test_a_conflict_that_lasts_ends_at_the_deadline(sender: Sender) -> None:
    conflict = refusal("ConditionalRequestConflict", HTTPStatus.CONFLICT)

    with sender.hooked(f"before-call.{OBJECT}", fails(conflict)):
        assert sender.outcomes(instance(), seconds=0.5) == ["OUT_OF_RESOURCES"]

    assert sender.calls[OBJECT] > 1


class Overload:
    """S3 that answers SlowDown so many times, and then as usual."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.answers = 0

    def __call__(self, response_dict: dict[str, Any], **_: object) -> None:
        self.answers += 1
        if self.left:
            self.left -= 1
            response_dict["status_code"] = HTTPStatus.SERVICE_UNAVAILABLE.value
            response_dict["body"] = b"<Error><Code>SlowDown</Code></Error>"


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(
    ("times", "answers", "outcome"), [(2, 3, "stored"), (9, 3, "OUT_OF_RESOURCES")]
)
def test_a_throttled_call_is_tried_three_times(
    sender: Sender, times: int, answers: int, outcome: str
) -> None:
    overload = Overload(times)

    with sender.hooked(f"before-parse.{OBJECT}", overload):
        assert sender.outcomes(instance()) == [outcome]

    assert overload.answers == answers

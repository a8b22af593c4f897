from collections import Counter
from http import HTTPStatus
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from moto.dynamodb.models import DynamoDBBackend

from archive.entries import DuplicatePolicy
from archive.errors import ArchiveError
from dicomweb.reasons import FailureReason
from local import partiql
from tests.archive.deployment import (
    BUCKET,
    COMMIT,
    INSERT,
    OBJECT,
    PARENT,
    PROVENANCE,
    READ,
    STEPS,
    STEPS_ALONE,
    TABLE,
    Answer,
    Deployment,
    Hook,
    Overload,
    Sender,
    instance,
    refusal,
)
from tests.intercepted_s3 import InterceptedS3

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


def crashes(at: int, *, once: bool = False) -> Hook:
    """Return a hook that crashes from the ``at``-th call on, from 1, or at that alone."""
    calls: Counter[str] = Counter()

    def hook(event_name: str, **_: object) -> None:
        calls[event_name] += 1
        if calls[event_name] == at or (calls[event_name] > at and not once):
            raise Crash

    return hook


THROTTLED = refusal("ThrottlingException")
FAULTS: list[tuple[Fault, str]] = [
    (THROTTLED, "OUT_OF_RESOURCES"),
    (refusal("InternalError", HTTPStatus.INTERNAL_SERVER_ERROR), "OUT_OF_RESOURCES"),
    (refusal("SlowDown", HTTPStatus.SERVICE_UNAVAILABLE), "OUT_OF_RESOURCES"),
    (ReadTimeoutError(endpoint_url=BUCKET), "OUT_OF_RESOURCES"),
    (ConnectTimeoutError(endpoint_url=BUCKET), "OUT_OF_RESOURCES"),
    (ResponseParserError("Planted^Name"), "OUT_OF_RESOURCES"),
    (refusal("AccessDenied", HTTPStatus.FORBIDDEN), "PROCESSING_FAILURE"),
    (ValueError(f"{BUCKET} {TABLE} Planted^Name"), "PROCESSING_FAILURE"),
]


@pytest.mark.usefixtures("alone")
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


def not_in_a_batch(monkeypatch: pytest.MonkeyPatch, resource: str) -> None:
    """Let DynamoDB fail on the item of ``resource`` when it comes in a batch."""
    insert = partiql._insert

    def some(backend: DynamoDBBackend, table: str, item: dict[str, Any]) -> dict[str, Any]:
        if item["Resource"]["S"] == resource:
            return {"TableName": table, "Error": {"Code": "ThrottlingError", "Message": ""}}
        return insert(backend, table, item)

    monkeypatch.setattr(partiql, "_insert", some)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("resource", "call"),
    [("instances/1.2.1/1.2.1.22", COMMIT), ("series/1.2.1", PARENT), ("study", PARENT)],
)
def test_what_a_batch_leaves_is_written_by_itself(
    sender: Sender,
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    resource: str,
    call: str,
) -> None:
    not_in_a_batch(monkeypatch, resource)

    assert sender.outcomes(*(instance(number) for number in (11, 22, 33))) == ["stored"] * 3

    assert sender.calls == {READ: 1, OBJECT: 3, INSERT: 2, call: 1}
    assert len(deployment.items()) == 5
    deployment.check()


def test_one_that_fails_in_a_batch_and_by_itself_fails_alone(
    sender: Sender, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    not_in_a_batch(monkeypatch, "instances/1.2.1/1.2.1.22")

    with sender.hooked(f"before-call.{COMMIT}", fails(THROTTLED)):
        kept = sender.outcomes(*(instance(number) for number in (11, 22, 33)))

    assert kept == ["stored", "OUT_OF_RESOURCES", "stored"]
    deployment.check()


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("fault", [fault for fault, _ in FAULTS[:-1]])
def test_a_batch_that_fails_whole_is_written_item_by_item(
    sender: Sender, deployment: Deployment, fault: Fault
) -> None:
    with sender.hooked(f"before-call.{INSERT}", fails(fault)):
        assert sender.outcomes(*(instance(number) for number in range(3))) == ["stored"] * 3

    assert sender.calls == {READ: 1, OBJECT: 3, INSERT: 2, PARENT: 2, COMMIT: 3}
    deployment.check()


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(("fault", "reason"), FAULTS)
@pytest.mark.parametrize("call", [READ, OBJECT, PARENT, COMMIT])
def test_the_text_for_the_sender_says_what_was_expected_and_no_names(
    sender: Sender, call: str, fault: Fault, reason: str
) -> None:
    with sender.hooked(f"before-call.{call}", fails(fault)):
        (error,) = sender.archive.keep([instance()], seconds=20, provenance=PROVENANCE)

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


@pytest.mark.usefixtures("alone")
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
    with sender.hooked(f"before-call.{OBJECT}", crashes(at=1, once=True)):
        kept = sender.outcomes(instance(1, b"one"), instance(1, b"two"))

    assert kept == ["PROCESSING_FAILURE", "stored"]
    assert list(deployment.objects().values()) == [b"two"]


@pytest.mark.parametrize("policy", DuplicatePolicy)
@pytest.mark.parametrize("moment", ["before-call", "after-call"])
@pytest.mark.parametrize(
    ("step", "batches"),
    [(step, True) for step in STEPS] + [(step, False) for step in STEPS_ALONE],
)
def test_a_crash_at_any_step_and_a_second_send_end_as_if_nothing_had_happened(
    deployment: Deployment,
    policy: DuplicatePolicy,
    moment: str,
    step: tuple[str, int],
    *,
    batches: bool,
) -> None:
    (call, at), sender = step, Sender(policy)
    if not batches:
        sender.on(f"before-call.{INSERT}", lambda **_: THROTTLED)
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


@pytest.mark.parametrize(("times", "outcome"), [(2, "stored"), (9, "OUT_OF_RESOURCES")])
def test_a_put_that_s3_is_too_busy_for_is_tried_three_times(
    sender: Sender, s3: InterceptedS3, times: int, outcome: str
) -> None:
    s3.refuse(HTTPStatus.SERVICE_UNAVAILABLE, "SlowDown", times=times)

    assert sender.outcomes(instance()) == [outcome]

    assert sender.calls[OBJECT] == 3


def test_a_put_that_s3_refuses_is_not_tried_again(sender: Sender, s3: InterceptedS3) -> None:
    s3.refuse(HTTPStatus.FORBIDDEN, "AccessDenied")

    assert sender.outcomes(instance()) == ["PROCESSING_FAILURE"]

    assert sender.calls[OBJECT] == 1


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(
    ("times", "answers", "outcome"), [(2, 3, "stored"), (9, 3, "OUT_OF_RESOURCES")]
)
def test_a_throttled_call_is_tried_three_times(
    sender: Sender, times: int, answers: int, outcome: str
) -> None:
    overload = Overload(times)

    with sender.hooked(f"before-send.{READ}", overload):
        assert sender.outcomes(instance()) == [outcome]

    assert overload.answers == answers

"""A store request with one fault: what was acknowledged is there, and what was not can be sent.

Each case has a name that says all of it, and a study of its own.
"""

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import product
from random import Random
from types import MappingProxyType

from archive.entries import DuplicatePolicy
from tests.store.lambdas import Reply
from tests.torture.deployment import Broken, Deployment, Study
from tests.torture.faults import BATCHES_LEFT, FAULTS, Expected, Fault
from tests.torture.proxy import Plan

SECONDS = 5.0
SECONDS_AN_INSTANCE = 0.03
SECONDS_LATE = 2.5
"""How much later than the end of its time a function may answer on a busy machine."""

SIZES = (1, 10, 100)
_A700, _0110 = "A700", "0110"


@dataclass(frozen=True)
class Case:
    """A ``fault`` of the ``nth`` ``call`` of a request, ``once`` or from then on.

    ``alone``: DynamoDB leaves every batch, so that each item is written by itself.
    """

    fault: Fault
    call: str
    nth: int
    once: bool
    instances: int
    policy: DuplicatePolicy
    alone: bool = False

    def __str__(self) -> str:
        often = "once" if self.once else "for ever"
        return (
            f"{self.fault.name} {often}, {self.call} {self.nth}, {self.instances} instances,"
            f" {self.policy}"
        )


def cases(random: Random) -> list[Case]:
    """Return all cases, in a random order."""
    found = [
        Case(fault, call, nth, once, instances, policy, alone)
        for instances, policy in product(SIZES, DuplicatePolicy)
        for call, nth, alone in _calls(policy, instances, random)
        for fault, once in product(FAULTS, (True, False))
        if fault.fits(call)
    ]
    random.shuffle(found)
    return found


def _calls(
    policy: DuplicatePolicy, instances: int, random: Random
) -> Iterator[tuple[str, int, bool]]:
    """Yield the calls of a request: name, which of them, and whether items go alone.

    With ``replace``, all instances were stored before, with other bytes.
    """
    some = random.randrange(1, instances + 1)
    yield "BatchGetItem", 1, False
    yield "PutObject", some, False
    if policy is DuplicatePolicy.REPLACE:
        yield "PutItem", some, False
        return
    yield "BatchExecuteStatement", 1, False
    yield "BatchExecuteStatement", 2, False
    yield "UpdateItem", 1, True
    yield "UpdateItem", 2, True
    yield "PutItem", some, True


def run(case: Case, deployment: Deployment) -> bool:
    """Run ``case``; tell whether its fault was reached. Raises Broken."""
    study = Study(case.instances)
    old = study.contents(version=0) if case.policy is DuplicatePolicy.REPLACE else {}
    if old:
        _expect_all_stored(_send(case, deployment, old), old, "the first version")
    new = study.contents()
    beside = BATCHES_LEFT if case.alone else None
    with deployment.proxy.planned(
        Plan(case.fault, case.call, case.nth, once=case.once, beside=beside)
    ) as plan:
        started = time.monotonic()
        reply = _send(case, deployment, new, _seconds(case))
        took = time.monotonic() - started
    if took > _seconds(case) + SECONDS_LATE:
        raise Broken(f"answered after {took:.1f} s")
    acknowledged = judge(reply, new, case.fault.expected)
    if case.once and case.fault.recovers and case.fault.expected is not Expected.LASTS:
        _expect_all_stored(reply, new, "after a fault that passes")
    check(deployment, study.uid, acknowledged, new, old)
    _expect_all_stored(_send(case, deployment, new), new, "sent again")
    check(deployment, study.uid, set(new), new, old)
    last = new
    if old:
        last = study.contents(version=2)
        _expect_all_stored(_send(case, deployment, last), last, "another version")
    if deployment.proxy.deliver():
        check(deployment, study.uid, set(last), last, old)
    return plan.hits > 0


def _seconds(case: Case) -> float:
    return SECONDS + SECONDS_AN_INSTANCE * case.instances


def _send(
    case: Case, deployment: Deployment, contents: Mapping[str, bytes], seconds: float = 60
) -> Reply:
    return deployment.store(list(contents.values()), case.policy, seconds)


def judge(reply: Reply, sent: Mapping[str, bytes], expected: Expected) -> set[str]:
    """Return the instances that ``reply`` acknowledges, after its status and reasons were checked.

    Raises Broken.
    """
    reasons = reply.failure_reasons
    failed = set(reasons)
    named = reply.values("ReferencedSOPInstanceUID")
    # Each instance is named once: first the failed ones, whose items have reasons, or the stored.
    if len(named) != len(sent) or set(named) != set(sent):
        raise Broken(f"{len(named)} of {len(sent)} instances are in the answer")
    acknowledged = acknowledged_by(reply)
    if len(acknowledged) + len(reasons) != len(sent):
        raise Broken("stored and failed instances are not all that were sent")
    allowed = {Expected.STORED: set(), Expected.PASSES: {_A700}, Expected.LASTS: {_0110}}[expected]
    if not failed <= allowed:
        raise Broken(f"found {failed}, expected {allowed or 'no failure'}")
    if not failed:
        right = HTTPStatus.OK
    elif acknowledged:
        right = HTTPStatus.ACCEPTED
    else:
        right = HTTPStatus.SERVICE_UNAVAILABLE if failed == {_A700} else HTTPStatus.CONFLICT
    if reply.status != right:
        raise Broken(f"found status {reply.status}, expected {right.value}")
    if (reply.status == HTTPStatus.SERVICE_UNAVAILABLE) != ("Retry-After" in reply.headers):
        raise Broken("Retry-After is not where it belongs")
    return acknowledged


def acknowledged_by(reply: Reply) -> set[str]:
    """Return the SOP Instance UIDs that an answer says are stored."""
    return set(reply.values_in("ReferencedSOPSequence", "ReferencedSOPInstanceUID"))


def _expect_all_stored(reply: Reply, sent: Mapping[str, bytes], when: str) -> None:
    if reply.status != HTTPStatus.OK or acknowledged_by(reply) != set(sent):
        raise Broken(f"{when}: status {reply.status}, reasons {set(reply.failure_reasons)}")


def check(
    deployment: Deployment,
    study: str,
    acknowledged: Collection[str],
    new: Mapping[str, bytes],
    old: Mapping[str, bytes] = MappingProxyType({}),
) -> None:
    """Check what AWS holds: acknowledged is equal, and not acknowledged is absent or complete.

    Raises Broken.
    """
    stored = deployment.stored(study)
    lost = [uid for uid in acknowledged if stored.get(uid) != new[uid]]
    if lost:
        raise Broken(f"{len(lost)} of {len(acknowledged)} acknowledged instances are not there")
    strange = [uid for uid in stored if stored[uid] not in (new.get(uid), old.get(uid))]
    if strange or (old and stored.keys() != old.keys()):
        raise Broken("something is stored that was not sent, or gone that was stored")

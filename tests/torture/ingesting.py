"""An upload with one fault: it is never done too early, and ends well when its message comes again.

The message comes again because ingest raised, as Lambda lets it come again from the queue.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from random import Random

from events.proxy import announcement_event, upload_event
from tests.ingest.deployment import MULTIPART, invoke_ingest, invoke_uploads
from tests.torture.deployment import Broken, Deployment, Study, body_of
from tests.torture.faults import BATCHES_LEFT, FAULTS, Expected, Fault
from tests.torture.proxy import Plan
from tests.torture.storing import SIZES, check

_UNBOUNDED = "byte by byte"
"""Only Lambda's timeout ends an attempt at ingest whose answers come like this."""

_NOT_SEEN = ("a page instead", "lying 200")
"""botocore takes such an answer for the object; reading it fails, and the sender asks again."""

SECONDS = 60
"""How long an attempt may take; on AWS it is 15 minutes, with answers that may take 60 seconds."""


@dataclass(frozen=True)
class Case:
    """A ``fault`` of the ``nth`` ``call`` of ingest, ``once`` or from then on."""

    fault: Fault
    call: str
    nth: int
    once: bool
    instances: int
    alone: bool = False

    def __str__(self) -> str:
        often = "once" if self.once else "for ever"
        return f"{self.fault.name} {often}, {self.call} {self.nth}, {self.instances} instances"


def cases(random: Random, *, copies: bool) -> list[Case]:
    """Return all cases, in a random order; with those of the calls that copy if any are made."""
    found = [
        Case(fault, call, nth, once, instances, alone)
        for instances in SIZES
        for call, nth, alone in _calls(instances, random, copies=copies)
        for fault, once in product(FAULTS, (True, False))
        if fault.fits(call) and fault.name != _UNBOUNDED
    ]
    random.shuffle(found)
    return found


def _calls(instances: int, random: Random, *, copies: bool) -> Iterator[tuple[str, int, bool]]:
    """Yield the calls of an attempt: name, which of them, and whether items go alone.

    The last object that is put is the answer. The first instance may be copied inside S3.
    """
    puts = instances - copies
    yield "UpdateItem", 1, False
    yield "GetObject", 1, False
    yield "BatchGetItem", 1, False
    if copies:
        yield "CreateMultipartUpload", 1, False
        yield "UploadPartCopy", 1, False
        yield "CompleteMultipartUpload", 1, False
    if puts:
        yield "PutObject", random.randrange(1, puts + 1), False
    yield "PutObject", puts + 1, False
    yield "BatchExecuteStatement", 1, False
    yield "BatchExecuteStatement", 2, False
    yield "UpdateItem", 2, False
    yield "UpdateItem", 3, True
    yield "PutItem", random.randrange(1, instances + 1), True
    yield "DeleteObject", 1, False


def run(case: Case, deployment: Deployment) -> bool:
    """Run ``case``; tell whether its fault was reached. Raises Broken."""
    study = Study(case.instances, with_large=deployment.copies)
    sent = study.contents()
    upload = deployment.stage(body_of(list(sent.values())))
    message = deployment.message(upload)
    beside = BATCHES_LEFT if case.alone else None
    with deployment.proxy.planned(
        Plan(case.fault, case.call, case.nth, once=case.once, beside=beside)
    ) as plan:
        started = time.monotonic()
        ended = _attempt(message)
        took = time.monotonic() - started
    if took > SECONDS:
        raise Broken(f"the attempt took {took:.1f} s")
    check(deployment, study.uid, set(), sent)
    if is_done(deployment, upload):
        _expect_all(deployment, study.uid, sent, "done")
    elif ended:
        raise Broken("the message is taken, but the upload is not done")
    if not ended:
        _come_again(deployment, upload, message)
    _expect_all(deployment, study.uid, sent, "in the end")
    if deployment.proxy.deliver():
        _expect_all(deployment, study.uid, sent, "late writes came")
        if not is_done(deployment, upload):
            raise Broken("a late write took the answer back")
    return plan.hits > 0


def _come_again(deployment: Deployment, upload: str, message: dict[str, object]) -> None:
    if not _attempt(message):
        raise Broken("the message came again, and failed again")
    if not is_done(deployment, upload):
        raise Broken("the message came again, and the upload is not done")
    if deployment.keys(f"staging/{upload}"):
        raise Broken("the message came again, and the body was not deleted")


def _attempt(message: dict[str, object]) -> bool:
    """Let ingest have ``message``; tell whether it is taken from the queue."""
    try:
        invoke_ingest(message, SECONDS)
    except Exception:  # noqa: BLE001 - Lambda takes no exception apart either
        return False
    return True


def is_done(deployment: Deployment, upload: str) -> bool:
    """Ask the service; Broken if the answer is none that an upload may get."""
    reply = deployment.look_up(upload)
    if reply.status != 200:
        raise Broken(f"the upload has status {reply.status}, reasons {reply.failure_reasons}")
    return reply.headers["Content-Type"] != "application/json"


def _expect_all(deployment: Deployment, study: str, sent: dict[str, bytes], when: str) -> None:
    try:
        stored = deployment.stored(study)
    except Broken as broken:
        raise Broken(f"{when}: {broken}") from broken
    if stored != sent:
        raise Broken(f"{when}: {len(stored)} of {len(sent)} instances are there")


@dataclass(frozen=True)
class Asking:
    """A ``fault`` of a ``call`` of the function for uploads."""

    fault: Fault
    call: str
    once: bool

    def __str__(self) -> str:
        return f"{self.fault.name} {'once' if self.once else 'for ever'}, {self.call}"

    @property
    def instances(self) -> int:
        return 1


def askings(random: Random) -> list[Asking]:
    """Return all cases of an announcement and of a look-up, in a random order."""
    found = [
        Asking(fault, call, once)
        for call in ("PutItem", "GetItem", "GetObject")
        for fault, once in product(FAULTS, (True, False))
        if fault.fits(call)
    ]
    random.shuffle(found)
    return found


def ask(case: Asking, deployment: Deployment) -> bool:
    """Run ``case``; tell whether its fault was reached. Raises Broken."""
    sent = Study(1).contents()
    body = body_of(list(sent.values()))
    upload = deployment.stage(body)
    invoke_ingest(deployment.message(upload))
    announced = {"contentType": MULTIPART, "size": len(body)}

    def asked() -> dict[str, object]:
        is_offer = case.call == "PutItem"
        return announcement_event(announced) if is_offer else upload_event(upload)

    with deployment.proxy.planned(Plan(case.fault, case.call, once=case.once)) as plan:
        started = time.monotonic()
        reply = invoke_uploads(asked())
        took = time.monotonic() - started
    if took > SECONDS:
        raise Broken(f"answered after {took:.1f} s")
    refusal = {200, 503}
    if case.fault.expected is Expected.LASTS and case.call == "PutItem":
        refusal = {200, 503, 409}
    if reply.status not in refusal:
        raise Broken(f"found status {reply.status}, expected one of {refusal}")
    lasts = case.fault.expected is Expected.LASTS
    a_page = case.call == "GetObject" and case.fault.name in _NOT_SEEN
    if case.once and case.fault.recovers and not lasts and not a_page and reply.status != 200:
        raise Broken("503 after a fault that passes")
    deployment.proxy.deliver()
    if invoke_uploads(asked()).status != 200:
        raise Broken("asked again, and refused again")
    return plan.hits > 0

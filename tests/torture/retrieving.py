"""A request to retrieve with one fault: never a wrong byte with 200, never 404 for what is there.

What the fault ends is 503, and a client that asks again has the instance.
"""

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus

import retrieve.handler
from archive.entries import DuplicatePolicy
from dicomweb.retrieval import body
from dicomweb.retrieval.body import Part
from events.proxy import retrieve_event
from tests.builders import series_uid, sop_uid
from tests.store.lambdas import Context, Reply
from tests.torture import faults
from tests.torture.deployment import Broken, Deployment, Study
from tests.torture.faults import FAULTS, Expected, Fault
from tests.torture.proxy import Plan

_WRAPPED = {"Accept": 'multipart/related; type="application/dicom"'}
_DAMAGED = Fault("damaged on the way", Expected.PASSES, faults._damaged)
_CALLS = ("GetItem", "Query", "GetObject")


@dataclass(frozen=True)
class Case:
    """A ``fault`` of the first ``call`` of a request, ``once`` or from then on."""

    fault: Fault
    call: str
    once: bool
    instances: int = 1

    def __str__(self) -> str:
        return f"{self.fault.name} {'once' if self.once else 'for ever'}, {self.call}"


def cases() -> Iterator[Case]:
    """Yield all cases; DynamoDB's own checksum tells what was damaged from what was not."""
    for call in _CALLS:
        for fault in FAULTS:
            if fault.fits(call) and not fault.calls:
                yield Case(fault, call, once=True)
                yield Case(fault, call, once=False)
    yield Case(_DAMAGED, "GetObject", once=True)
    yield Case(_DAMAGED, "GetObject", once=False)


def run(case: Case, deployment: Deployment) -> bool:
    """Run ``case``; tell whether its fault was reached. Raises Broken."""
    study = Study(1)
    (content,) = study.contents().values()
    if deployment.store([content], DuplicatePolicy.REJECT, 60).status != HTTPStatus.OK:
        raise Broken("nothing was stored")
    with deployment.proxy.planned(Plan(case.fault, case.call, once=case.once)) as plan:
        reply = _ask(study, case)
    if reply.status == HTTPStatus.OK:
        _check(reply, content, study)
    elif reply.status != HTTPStatus.SERVICE_UNAVAILABLE or "Retry-After" not in reply.headers:
        raise Broken(f"found status {reply.status}, expected 200 or 503 with Retry-After")
    if case.once and case.fault.recovers and case.fault.expected is not Expected.LASTS:
        _check(reply, content, study)
    _check(_ask(study, case), content, study)
    return plan.hits > 0


def _ask(study: Study, case: Case) -> Reply:
    uids = [study.uid]
    if case.call != "Query":
        uids += [series_uid(study.number), sop_uid(study.number)]
    sent = retrieve_event(*uids, headers=_WRAPPED)
    return Reply(retrieve.handler.lambda_handler(sent, Context(28)))


def _check(reply: Reply, content: bytes, study: Study) -> None:
    """Raise Broken unless the body is exactly that of the instance."""
    if reply.status != HTTPStatus.OK:
        raise Broken(f"found status {reply.status}, expected 200")
    path = (
        f"studies/{study.uid}/series/{series_uid(study.number)}/instances/{sop_uid(study.number)}"
    )
    base = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/dicomweb"
    part = Part(
        media_type="application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
        location=f"{base}/{path}",
        sha256=sha256(content).hexdigest(),
        content=content,
    )
    if b64decode(reply.body) != body.encode([part])[1]:
        raise Broken("found other bytes than those that were sent")

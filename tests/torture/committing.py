"""A request for commitment with one fault: nothing is committed that is not there.

Of the instances that are asked for, one was never stored and one has lost its object. Whatever the
answer is at first, there is one in the end, and it is the same for everybody who asks again.
"""

import json
import time
from dataclasses import dataclass
from itertools import count, product
from random import Random

import commitment.handler
import commitment.worker
from archive.entries import DuplicatePolicy
from dicomweb.commitment.outcomes import CommitmentOutcome
from events.proxy import commitment_event
from tests import builders
from tests.commitment.deployment import JSON, committed, failed
from tests.store.lambdas import Context, Reply
from tests.torture.deployment import Broken, Deployment, Study
from tests.torture.faults import FAULTS, Expected, Fault
from tests.torture.proxy import Plan

__all__ = ["Case", "CommitmentOutcome", "cases", "run"]

SECONDS = 12.0
SECONDS_LATE = 2.5
CALLS = ("PutItem", "Query", "BatchGetItem", "HeadObject", "UpdateItem", "GetItem")
CT = "1.2.840.10008.5.1.4.1.1.2"

_INSTANCES = 4
_TRANSACTIONS = count(1)


@dataclass(frozen=True)
class Case:
    """A ``fault`` of a ``call``, ``once`` or from then on; GetItem is a look at the result."""

    fault: Fault
    call: str
    once: bool

    def __str__(self) -> str:
        return f"{self.fault.name} {'once' if self.once else 'for ever'}, {self.call}"

    @property
    def instances(self) -> int:
        return _INSTANCES


def cases(random: Random) -> list[Case]:
    """Return all cases, in a random order."""
    found = [
        Case(fault, call, once)
        for call in CALLS
        for fault, once in product(FAULTS, (True, False))
        if fault.fits(call)
    ]
    random.shuffle(found)
    return found


def run(case: Case, deployment: Deployment) -> bool:
    """Run ``case``; tell whether its fault was reached. Raises Broken."""
    study = Study(_INSTANCES - 1)
    sent = study.contents()
    if deployment.store(list(sent.values()), DuplicatePolicy.REJECT, 30).status != 200:
        raise Broken("nothing is stored to be committed")
    *kept, lost = sent
    deployment.lose(study.uid, lost)
    asking = _Asking([*sent, builders.sop_uid(study.number, number=99)], set(kept))
    is_look = case.call == "GetItem"
    if is_look:
        asking.check(asking.ask())
    with deployment.proxy.planned(Plan(case.fault, case.call, once=case.once)) as plan:
        started = time.monotonic()
        reply = asking.look() if is_look else asking.ask()
        took = time.monotonic() - started
    if took > SECONDS + SECONDS_LATE:
        raise Broken(f"answered after {took:.1f} s")
    asking.check(reply)
    deployment.proxy.deliver()
    end = asking.end()
    if failed(end).keys() & asking.there and case.fault.expected is not Expected.LASTS:
        found = {failed(end)[uid] for uid in failed(end).keys() & asking.there}
        # A page, or a lie, is an answer to HEAD like any other: it has another length.
        if not (case.call == "HeadObject" and found == {"0110"}):
            raise Broken(f"what is there is not committed: {found}")
    return plan.hits > 0


class _Asking:
    """A request for the instances with ``uids``, of which some are ``there``."""

    def __init__(self, uids: list[str], there: set[str]) -> None:
        self._transaction = f"2.25.{next(_TRANSACTIONS)}"
        self._uids = uids
        self.there = there
        self._given = ""

    def ask(self) -> Reply:
        items = [
            {
                "00081150": {"vr": "UI", "Value": [CT]},
                "00081155": {"vr": "UI", "Value": [uid]},
            }
            for uid in self._uids
        ]
        payload = json.dumps({"00081199": {"vr": "SQ", "Value": items}}).encode()
        return self._invoke(commitment_event("POST", self._transaction, payload, headers=JSON))

    def look(self) -> Reply:
        return self._invoke(commitment_event("GET", self._transaction, headers=JSON))

    @staticmethod
    def _invoke(event: dict[str, object]) -> Reply:
        return Reply(commitment.handler.lambda_handler(event, Context(SECONDS)))

    def check(self, reply: Reply) -> None:
        """Raise Broken if an answer is none that may be given, or commits to what is not there."""
        if reply.status == 202:
            if reply.body or "Retry-After" not in reply.headers:
                raise Broken("202 has a payload, or does not say when to ask again")
        elif reply.status == 200:
            if not set(committed(reply)) <= self.there:
                raise Broken("committed to what is not there")
            if {*committed(reply), *failed(reply)} != set(self._uids):
                raise Broken("an instance has no outcome")
            if self._given and self._given != reply.body:
                raise Broken("two answers differ")
            self._given = reply.body
        elif reply.status not in (404, 503):
            raise Broken(f"found status {reply.status}")

    def end(self) -> Reply:
        """Return the answer that there is once nothing is wrong any more; raises Broken."""
        for _ in range(5):
            reply = self.ask()
            self.check(reply)
            if reply.status == 200:
                break
            message = {
                "body": json.dumps({"transaction": self._transaction}),
                "receiptHandle": "unknown",
                "attributes": {"ApproximateReceiveCount": "1"},
            }
            commitment.worker.lambda_handler({"Records": [message]}, Context(60))
        reply = self.look()
        self.check(reply)
        if reply.status != 200:
            raise Broken(f"there is no answer in the end: {reply.status}")
        return reply

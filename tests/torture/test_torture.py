"""The part of ``make torture`` that is in ``make test``: every fault once, on moto.

TORTURE_SEED chooses another sample.
"""

import os
from collections.abc import Iterator
from random import Random

import pytest

from archive.entries import DuplicatePolicy
from tests.ingest.conftest import endpoint
from tests.torture import committing, ingesting, races, retrieving, storing
from tests.torture.deployment import Broken, Deployment, Study, deployed
from tests.torture.faults import FAULTS, Expected
from tests.torture.proxy import Plan

__all__ = ["endpoint"]

SEED = int(os.environ.get("TORTURE_SEED", "1"))
SLOW = ("byte by byte", "hangs before the effect", "hangs after the effect", "effect comes late")


@pytest.fixture(scope="module")
def deployment(endpoint: str) -> Iterator[Deployment]:
    with deployed(endpoint) as deployment:
        yield deployment


def sample() -> list[storing.Case]:
    """Return a case of one instance for each fault; those that hang for ever take seconds."""
    found: dict[object, storing.Case] = {}
    for case in storing.cases(Random(SEED)):
        if case.instances == 1 and (case.once or case.fault.name not in SLOW):
            found.setdefault(case.fault, case)
    return list(found.values())


def ingested() -> list[ingesting.Case]:
    """Return a case for each call of ingest, of a quick fault and as few instances as have it."""
    found: dict[tuple[str, int, bool], ingesting.Case] = {}
    for case in ingesting.cases(Random(SEED), copies=True):
        fewest = 1 if case.call != "PutItem" else 10
        if case.instances == fewest and case.fault.name not in SLOW:
            found.setdefault((case.call, min(case.nth, 3), case.alone), case)
    return list(found.values())


def test_every_fault_is_in_the_sample() -> None:
    assert {case.fault for case in sample()} == set(FAULTS)


@pytest.mark.parametrize("case", sample(), ids=str)
def test_a_request_with_a_fault(deployment: Deployment, case: storing.Case) -> None:
    deployment.proxy.random.seed(f"{SEED} store: {case}")
    assert storing.run(case, deployment)


def retrieved() -> list[retrieving.Case]:
    """Return the cases that happen once and are quick, and some that last."""
    quick = [case for case in retrieving.cases() if case.fault.name not in SLOW]
    lasting = [case for case in quick if not case.once]
    return [case for case in quick if case.once] + Random(SEED).sample(lasting, 5)


@pytest.mark.parametrize("case", retrieved(), ids=str)
def test_what_is_retrieved_with_a_fault(deployment: Deployment, case: retrieving.Case) -> None:
    deployment.proxy.random.seed(f"{SEED} retrieve: {case}")
    assert retrieving.run(case, deployment)


@pytest.mark.parametrize("case", ingested(), ids=str)
def test_an_upload_with_a_fault(deployment: Deployment, case: ingesting.Case) -> None:
    deployment.proxy.random.seed(f"{SEED} ingest: {case}")
    assert ingesting.run(case, deployment)


@pytest.mark.parametrize("call", ["PutItem", "GetItem", "GetObject"])
def test_an_announcement_or_a_look_up_with_a_fault(deployment: Deployment, call: str) -> None:
    quick = [case for case in ingesting.askings(Random(SEED)) if case.fault.name not in SLOW]
    case = next(case for case in quick if case.call == call)
    assert ingesting.ask(case, deployment)


def asked() -> list[committing.Case]:
    """Return two quick cases for each call of the functions for commitment."""
    found: dict[tuple[str, bool], committing.Case] = {}
    for case in committing.cases(Random(SEED)):
        if case.fault.name not in SLOW:
            found.setdefault((case.call, case.once), case)
    return list(found.values())


@pytest.mark.parametrize("case", asked(), ids=str)
def test_a_request_for_commitment_with_a_fault(
    deployment: Deployment, case: committing.Case
) -> None:
    deployment.proxy.random.seed(f"{SEED} commitment: {case}")
    assert committing.run(case, deployment)


def test_a_commitment_to_what_is_not_there_is_found(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suite itself: an object that is not looked at is one that may be lost."""
    monkeypatch.setattr(
        "archive.heads.Heads.outcome", lambda *_: committing.CommitmentOutcome.COMMITTED
    )
    quick = next(fault for fault in FAULTS if fault.name == "slow")
    with pytest.raises(Broken, match="not there"):
        committing.run(committing.Case(quick, "Query", True), deployment)


@pytest.mark.parametrize("once", [True, False])
def test_a_look_up_whose_answer_in_s3_is_cut_off(deployment: Deployment, once: bool) -> None:
    cut_off = next(fault for fault in FAULTS if fault.name == "body cut off")
    assert ingesting.ask(ingesting.Asking(cut_off, "GetObject", once), deployment)


def test_senders_that_race_over_a_network_that_delays_and_doubles(deployment: Deployment) -> None:
    assert races.race(deployment, Random(SEED))


def test_nobody_listens_and_then_somebody_does(deployment: Deployment) -> None:
    study = Study(3)
    sent = study.contents()
    files = list(sent.values())

    with deployment.proxy.refusing():
        reply = deployment.store(files, DuplicatePolicy.REJECT, 5)

    assert storing.judge(reply, sent, Expected.PASSES) == set()
    assert deployment.stored(study.uid) == {}
    assert deployment.store(files, DuplicatePolicy.REJECT, 30).status == 200
    assert deployment.stored(study.uid) == sent


def test_a_plan_ends_with_its_case_however_that_ends(deployment: Deployment) -> None:
    slow = next(fault for fault in FAULTS if fault.name == "slow")
    with pytest.raises(LookupError), deployment.proxy.planned(Plan(slow, "", once=True)):
        raise LookupError
    assert deployment.proxy.plan is None


def test_a_promise_that_is_broken_is_found(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suite itself: a put that is believed without its answer is an instance that is lost."""
    monkeypatch.setattr("archive.objects.obstore.put", lambda *_, **__: None)
    quick = next(fault for fault in FAULTS if fault.name == "slow")
    case = storing.Case(quick, "BatchGetItem", 1, True, 1, DuplicatePolicy.REJECT)

    with pytest.raises(Broken, match="no object"):
        storing.run(case, deployment)

"""Whose a study is, when its instances and their senders do not agree."""

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.archive import Archive
from archive.entries import DuplicatePolicy, Kept
from archive.patients import PATIENT_ATTRIBUTES, differ, patient_of
from dicomweb.instances import SOPInstance
from tests.archive.deployment import INSERT, PARENT, PROVENANCE, Deployment, Sender, instance
from tests.archive.test_races import Turns, race

if TYPE_CHECKING:
    from archive.items import Item

Patient = dict[str, Any]
"""Text by attribute keyword; Any, so that it may be arguments beside others."""

ADAMS: Patient = {"PatientName": "Adams^John", "PatientID": "A1", "PatientSex": "M"}
BAKER: Patient = {"PatientName": "Baker^Mary", "PatientID": "B2", "PatientBirthDate": "19700102"}
NOBODY: Patient = {"PatientName": ""}


def patient(deployment: Deployment, study: str = "1.2") -> dict[str, str]:
    return {
        keyword: value["S"]
        for keyword, value in patient_of(deployment.items(study)["study"]).items()
    }


def marked(deployment: Deployment, study: str = "1.2") -> bool:
    mark = deployment.items(study)["study"].get("PatientsDiffer")
    assert mark in (None, {"BOOL": True})
    return mark is not None


def differing(archive: Archive, *instances: SOPInstance) -> list[bool]:
    kept = archive.keep(instances, seconds=20, provenance=PROVENANCE)
    assert all(isinstance(each, Kept) for each in kept)
    return [isinstance(each, Kept) and each.patient_differs for each in kept]


def test_the_patient_of_a_study_is_that_of_the_first_instance_that_has_one(
    sender: Sender, deployment: Deployment
) -> None:
    sent = [instance(1, **NOBODY), instance(2, **ADAMS), instance(3, **BAKER)]

    assert differing(sender.archive, *sent) == [False, False, True]

    assert patient(deployment) == ADAMS
    assert marked(deployment)
    assert len(deployment.items()) == 5


def test_a_patient_is_not_completed_from_another_instance(
    sender: Sender, deployment: Deployment
) -> None:
    name: Patient = {"PatientName": "Adams^John"}
    number: Patient = {"PatientName": "", "PatientID": "B2"}

    assert differing(sender.archive, instance(1, **name)) == [False]
    assert differing(sender.archive, instance(2, **number)) == [False]

    assert patient(deployment) == name
    assert not marked(deployment)


def test_a_study_of_nobody_takes_the_first_patient_that_comes(
    sender: Sender, deployment: Deployment
) -> None:
    differing(sender.archive, instance(1, **NOBODY))

    assert differing(sender.archive, instance(2, **BAKER)) == [False]

    assert patient(deployment) == BAKER
    assert sender.calls[PARENT] == 1


def test_another_patient_costs_one_call_and_the_next_of_them_none(
    sender: Sender, deployment: Deployment
) -> None:
    differing(sender.archive, instance(1, **ADAMS))
    sender.calls.clear()

    assert differing(sender.archive, instance(2, **BAKER)) == [True]
    assert sender.calls[PARENT] == 1
    sender.calls.clear()

    assert differing(sender.archive, instance(3, **BAKER), instance(4, **ADAMS)) == [True, False]
    assert sender.calls[PARENT] == 0
    assert patient(deployment) == ADAMS


def test_an_instance_that_is_sent_again_is_not_counted_again(sender: Sender) -> None:
    differing(sender.archive, instance(1, **ADAMS), instance(2, **BAKER))

    assert differing(sender.archive, instance(2, **BAKER)) == [False]


def test_a_replacement_of_another_patient_is_marked_and_changes_nothing(
    deployment: Deployment,
) -> None:
    archive = Sender(DuplicatePolicy.REPLACE).archive
    differing(archive, instance(1, b"old", **ADAMS))

    assert differing(archive, instance(1, b"new", **BAKER)) == [True]

    assert patient(deployment) == ADAMS
    assert marked(deployment)


@pytest.mark.parametrize(("theirs", "differs"), [(BAKER, True), (ADAMS, False), (NOBODY, False)])
@pytest.mark.parametrize("there", [True, False], ids=["study-there", "study-new"])
def test_a_sender_overtaken_by_another_patient_adds_none(
    deployment: Deployment, theirs: Patient, *, differs: bool, there: bool
) -> None:
    mine, other = Sender(), Sender()
    if there:
        other.outcomes(instance(1, **NOBODY))
    overtaken: list[list[str]] = []

    def overtake(**_: object) -> None:
        if not overtaken:
            overtaken.append([])
            overtaken.append(other.outcomes(instance(2, **theirs)))

    step = PARENT if there else INSERT
    with mine.hooked(f"before-call.{step}", overtake):
        assert differing(mine.archive, instance(3, **ADAMS)) == [differs]

    assert overtaken[1] == ["stored"]
    assert patient(deployment) == (theirs if theirs is BAKER else ADAMS)
    assert marked(deployment) == differs


def test_an_addition_whose_answer_was_lost_marks_nobody(
    sender: Sender, deployment: Deployment
) -> None:
    """botocore asks again, and then the patient of its own first attempt is in the way."""
    sender.outcomes(instance(1, **NOBODY))
    first: list[Any] = []

    def duplicate(params: dict[str, Any], **_: object) -> None:
        if not first:
            first.append(params)
            Sender().outcomes(instance(2, **ADAMS))

    with sender.hooked(f"before-call.{PARENT}", duplicate):
        assert differing(sender.archive, instance(2, **ADAMS)) == [False]

    assert sender.calls[PARENT] == 1
    assert not marked(deployment)


patients = st.sampled_from((ADAMS, BAKER, NOBODY))


@pytest.mark.parametrize("policy", DuplicatePolicy)
def test_racing_senders_never_mix_two_patients(
    deployment: Deployment, policy: DuplicatePolicy
) -> None:
    senders = [Sender(policy), Sender(policy)]
    names = itertools.count(1)

    @settings(max_examples=20, deadline=None)
    @given(patients, patients, patients, st.lists(st.integers(0, 1), max_size=10))
    def check(before: Patient, one: Patient, other: Patient, order: list[int]) -> None:
        study = f"1.2.{next(names)}"
        if before is not NOBODY:
            senders[0].outcomes(instance(1, study=study, **before))
        sent = [instance(2, study=study, **one), instance(3, study=study, **other)]

        assert race(senders, sent, Turns(order, (None, None))) == ["stored"] * 2

        whose = patient(deployment, study)
        candidates = [each for each in (before, one, other) if each is not NOBODY]
        assert whose in (candidates or [{}])
        if before is not NOBODY:
            assert whose == before
        assert marked(deployment, study) == (ADAMS in candidates and BAKER in candidates)
        for sender, each in zip(senders, sent, strict=True):
            assert sender.outcomes(each) == ["stored"]
        assert patient(deployment, study) == whose

    check()


def texts(**attributes: str) -> "Item":
    return {keyword: {"S": value} for keyword, value in attributes.items()}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (texts(PatientName="Adams^John"), texts(PatientName="ADAMS^JOHN^^^")),
        (texts(PatientName="Adams^John=亞當斯^約翰"), texts(PatientName="Adams^John")),
        (texts(PatientName="=亞當斯^約翰"), texts(PatientName="Adams^John=亞當斯^約翰")),
        (texts(PatientID="1", PatientSex="M"), texts(PatientID="1", PatientName="A")),
        ({"PatientName": {"L": [{"S": "A"}, {"S": "B"}]}},) * 2,
        (texts(PatientName="A"), texts(PatientID="1")),
        ({}, texts(PatientID="1")),
    ],
)
def test_patients_who_contradict_each_other_in_nothing_do_not_differ(
    one: "Item", other: "Item"
) -> None:
    assert not differ(one, other)
    assert not differ(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (texts(PatientName="Adams^John"), texts(PatientName="Adams^Johnny")),
        (texts(PatientName="Adams=亞當斯"), texts(PatientName="Adams=貝克")),
        (texts(PatientName="A"), {"PatientName": {"L": [{"S": "A"}, {"S": "B"}]}}),
        *(({keyword: {"S": "1"}}, {keyword: {"S": "2"}}) for keyword in PATIENT_ATTRIBUTES),
        (texts(PatientID="a"), texts(PatientID="A")),
    ],
)
def test_patients_with_two_values_of_an_attribute_differ(one: "Item", other: "Item") -> None:
    assert differ(one, other)
    assert differ(other, one)

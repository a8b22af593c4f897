from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.outcomes import Failed, Outcome, SOPReference, Stored, status_of
from dicomweb.reasons import FailureReason, WarningReason

REFERENCE = SOPReference(sop_class_uid="1.2", sop_instance_uid="1.2.3")
STORED = Stored(reference=REFERENCE, study_instance_uid="1.2.4", series_instance_uid="1.2.5")
WARNED = Stored(
    reference=REFERENCE,
    study_instance_uid="1.2.4",
    series_instance_uid="1.2.5",
    warning=WarningReason.COERCION_OF_DATA_ELEMENTS,
)
REFUSED = Failed(reason=FailureReason.SOP_CLASS_NOT_SUPPORTED, text="refused", reference=REFERENCE)
UNNAMED = Failed(reason=FailureReason.CANNOT_UNDERSTAND, text="unnamed")
BUSY = Failed(
    reason=FailureReason.OUT_OF_RESOURCES, text="busy", reference=REFERENCE, temporary=True
)

ALL, SOME, BAD, CONFLICT, RETRY = (
    HTTPStatus.OK,
    HTTPStatus.ACCEPTED,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([STORED], ALL),
        ([STORED, STORED], ALL),
        ([WARNED], SOME),
        ([STORED, WARNED], SOME),
        ([STORED, REFUSED], SOME),
        ([UNNAMED, STORED], SOME),
        ([BUSY, STORED], SOME),
        ([WARNED, REFUSED, UNNAMED, BUSY], SOME),
        ([REFUSED], CONFLICT),
        ([REFUSED, UNNAMED], CONFLICT),
        ([REFUSED, BUSY], CONFLICT),
        ([UNNAMED, BUSY], CONFLICT),
        ([UNNAMED], BAD),
        ([UNNAMED, UNNAMED], BAD),
        ([BUSY], RETRY),
        ([BUSY, BUSY], RETRY),
    ],
)
def test_the_status_follows_from_the_outcomes(outcomes: list[Outcome], status: HTTPStatus) -> None:
    assert status_of(outcomes) is status


outcome_lists = st.lists(st.sampled_from([STORED, WARNED, REFUSED, UNNAMED, BUSY]), min_size=1)


@given(outcome_lists)
def test_the_status_does_not_depend_on_the_order(outcomes: list[Outcome]) -> None:
    assert status_of(outcomes) is status_of(sorted(outcomes, key=repr))
    assert status_of(outcomes) is status_of(outcomes * 2)


@given(outcome_lists)
def test_a_success_status_says_that_something_was_stored_and_200_that_all_was(
    outcomes: list[Outcome],
) -> None:
    stored = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    assert (status_of(outcomes) in (ALL, SOME)) == bool(stored)
    assert (status_of(outcomes) is ALL) == all(outcome is STORED for outcome in outcomes)


@given(outcome_lists)
def test_a_worse_instance_never_makes_a_better_status(outcomes: list[Outcome]) -> None:
    better = {ALL: 3, SOME: 2, CONFLICT: 0, BAD: 0, RETRY: 0}
    for worse in (WARNED, REFUSED, UNNAMED, BUSY):
        assert better[status_of([*outcomes, worse])] <= max(better[status_of(outcomes)], 2)
        assert better[status_of([*outcomes, worse])] < 3
    assert better[status_of([*outcomes, STORED])] >= better[status_of(outcomes)]


@pytest.mark.parametrize("named", ["1.2", "1.2 ", "not_a-UID", "1" * 128])
def test_uids_that_are_not_valid_name_an_instance(named: str) -> None:
    reference = SOPReference.of("1.2", named)
    assert reference is not None
    assert reference.sop_instance_uid == named


@pytest.mark.parametrize(
    "unnamed", ["", "1" * 129, "1\n", "1\N{REPLACEMENT CHARACTER}", *'"&<>\\\x7f']
)
def test_what_an_answer_would_have_to_escape_names_none(unnamed: str) -> None:
    assert SOPReference.of("1.2", unnamed) is None
    assert SOPReference.of(unnamed, "1.2") is None


def test_a_failure_is_neither_temporary_nor_final_unless_it_says_so() -> None:
    assert not UNNAMED.temporary
    assert not UNNAMED.final

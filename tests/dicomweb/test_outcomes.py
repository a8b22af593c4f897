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


@pytest.mark.parametrize(("uids", "named"), [("1" * 128, True), ("1" * 129, False)])
def test_a_reference_names_instances_by_uids_of_up_to_128_characters(
    uids: str, named: bool
) -> None:
    assert (SOPReference.of("1.2", uids) is not None) is named
    assert (SOPReference.of(uids, "1.2") is not None) is named


def test_a_failure_is_neither_temporary_nor_final_unless_it_says_so() -> None:
    assert not UNNAMED.temporary
    assert not UNNAMED.final

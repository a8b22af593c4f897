"""How a request and its answer are kept."""

from hypothesis import given, settings
from hypothesis import strategies as st

from commitment.records import pack_outcomes, pack_request, unpack_outcomes, unpack_request
from dicomweb.commitment.outcomes import CommitmentOutcome
from dicomweb.commitment.requestmodule import MOST_UIDS, CommitmentRequest, Form, Reference

ITEM_LIMIT = 400 * 1024
UIDS = st.integers(0, 10**20).map(lambda number: f"1.{number}")
REFERENCES = st.lists(st.builds(Reference, UIDS, UIDS, UIDS, UIDS), min_size=1, max_size=4)
REQUESTS = st.builds(
    CommitmentRequest, form=st.sampled_from(Form), references=REFERENCES.map(tuple)
)


@settings(max_examples=25)
@given(REQUESTS, REQUESTS)
def test_a_request_is_read_as_it_was_and_known_by_its_digest(
    one: CommitmentRequest, other: CommitmentRequest
) -> None:
    packed, digest = pack_request(one)
    assert unpack_request(packed) == one
    assert (pack_request(other)[1] == digest) == (other == one)


@settings(max_examples=25)
@given(st.lists(st.sampled_from(CommitmentOutcome)))
def test_outcomes_are_read_as_they_were(outcomes: list[CommitmentOutcome]) -> None:
    assert unpack_outcomes(pack_outcomes(outcomes)) == outcomes


def random_uid(number: int) -> str:
    """Return a UID of 64 characters that has nothing in common with another."""
    return "1." + str(pow(7, 10**6 + number, 10**62 - 57)).zfill(62).replace("0", "1", 1)


def test_the_longest_request_and_its_answer_fit_into_an_item() -> None:
    uids = [random_uid(number) for number in range(MOST_UIDS)]
    by_uid = tuple(map(Reference, uids[::2], uids[1::2]))
    in_series = tuple(Reference(uids[0], each, uids[1], uids[2]) for each in uids[3:])
    for form, references in ((Form.SOP, by_uid), (Form.STUDY, in_series)):
        packed, digest = pack_request(CommitmentRequest(form=form, references=references))
        outcomes = [each for _ in references for each in CommitmentOutcome][: len(references)]
        assert len(packed) + len(pack_outcomes(outcomes)) + len(digest) + 1024 < ITEM_LIMIT

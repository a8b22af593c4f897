import json
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.answer import response, responsemodule
from dicomweb.answer.response import Reason, warning_values
from dicomweb.envelope.mediatypes import DICOM_JSON, DICOM_XML
from dicomweb.envelope.multipart import MAX_PARTS
from dicomweb.errors import InstanceRejected, MalformedRequest, RequestRejected
from dicomweb.outcomes import Failed, Outcome, SOPReference, Stored
from dicomweb.reasons import FailureReason, WarningReason

BASE = "https://archive.example.org"
LARGEST_RESPONSE = 6_000_000
"""Less than the 6 MB that a Lambda function may return, which is 6291556 bytes."""
REFERENCE = SOPReference(sop_class_uid="1.2.3", sop_instance_uid="1.2.4")


def stored(study: str = "1.2", warning: WarningReason | None = None) -> Stored:
    return Stored(
        reference=REFERENCE,
        study_instance_uid=study,
        series_instance_uid="1.3",
        warning=warning,
        text="part 2: was changed" if warning else "",
    )


def failed(reason: FailureReason = FailureReason.CANNOT_UNDERSTAND) -> Failed:
    return Failed(reason=reason, text="part 1: is nothing")


def warnings(*reasons: tuple[Reason | None, str]) -> list[str]:
    return list(warning_values(reasons, "archive"))


@pytest.mark.parametrize("media_type", [DICOM_JSON, DICOM_XML])
def test_a_report_has_the_status_and_the_module_of_its_outcomes(media_type: str) -> None:
    outcomes: list[Outcome] = [failed(), stored()]

    answer = response.report(outcomes, media_type, BASE)

    module = responsemodule.store_instances_response(outcomes, BASE)
    assert answer.status is HTTPStatus.ACCEPTED
    assert answer.media_type == media_type
    assert answer.body == responsemodule.encode(module, media_type)
    assert not answer.given_up


def test_a_report_warns_of_failures_and_then_of_what_was_noticed() -> None:
    coerced = WarningReason.COERCION_OF_DATA_ELEMENTS
    answer = response.report([stored(warning=coerced), failed(), stored()], DICOM_JSON, "")
    assert answer.warnings == [
        (FailureReason.CANNOT_UNDERSTAND, "part 1: is nothing"),
        (coerced, "part 2: was changed"),
    ]


@pytest.mark.parametrize(
    ("studies", "base", "headers"),
    [
        (["1.2", "1.2"], BASE, {"Location": f"{BASE}/studies/1.2"}),
        (["1.2", "1.9"], BASE, {}),
        (["1.2"], "", {}),
        ([], BASE, {}),
    ],
)
def test_a_report_has_the_location_of_the_one_study_that_was_stored_to(
    studies: list[str], base: str, headers: dict[str, str]
) -> None:
    outcomes: list[Outcome] = [failed(), *map(stored, studies)]
    assert response.report(outcomes, DICOM_JSON, base).headers == headers


def test_a_refusal_is_a_status_report_with_its_reason() -> None:
    reason = FailureReason.CANNOT_UNDERSTAND
    answer = response.refusal(HTTPStatus.BAD_REQUEST, reason, "found nothing", DICOM_JSON)
    assert answer.status is HTTPStatus.BAD_REQUEST
    assert answer.warnings == [(reason, "found nothing")]
    assert json.loads(answer.body)["0040A160"]["Value"] == ["found nothing"]


class Busy(RequestRejected):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    reason = FailureReason.OUT_OF_RESOURCES


@pytest.mark.parametrize(
    ("error", "status", "reason", "text"),
    [
        (MalformedRequest("found x"), 400, FailureReason.CANNOT_UNDERSTAND, "found x"),
        (Busy("no room"), 503, FailureReason.OUT_OF_RESOURCES, "no room"),
        (ValueError("DOE^JANE"), 503, FailureReason.PROCESSING_FAILURE, response.UNFORESEEN),
        (
            InstanceRejected(FailureReason.CANNOT_UNDERSTAND, "not of a request"),
            503,
            FailureReason.PROCESSING_FAILURE,
            response.UNFORESEEN,
        ),
    ],
)
def test_only_a_rejected_request_says_why_itself(
    error: Exception, status: int, reason: FailureReason, text: str
) -> None:
    assert response.refusal_of(error) == (status, reason, text)


def test_a_server_may_say_in_its_own_words_that_nobody_foresaw_it() -> None:
    assert response.refusal_of(ValueError(), "the relay broke")[2] == "the relay broke"
    assert response.refusal_of(MalformedRequest("found x"), "the relay broke")[2] == "found x"


def test_there_is_one_warning_for_each_distinct_reason() -> None:
    unreadable, mismatch = (
        FailureReason.CANNOT_UNDERSTAND,
        FailureReason.STUDY_INSTANCE_UID_MISMATCH,
    )
    assert warnings(
        (unreadable, "one"), (mismatch, "two"), (unreadable, "three"), (None, "four")
    ) == ['299 archive "C000: one"', '299 archive "C409: two"', '299 archive "four"']


@given(st.text())
def test_a_warning_is_one_line_of_ascii_with_two_quotes(text: str) -> None:
    (value,) = warnings((FailureReason.CANNOT_UNDERSTAND, text))
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2
    assert "\\" not in value


def test_a_warning_keeps_every_printable_character_of_ascii_but_what_would_end_it() -> None:
    printable = "".join(map(chr, range(ord(" "), ord("~") + 1)))
    (value,) = warnings((None, f"{printable}\x1f\x7f"))
    kept = printable.replace('"', "'").replace("\\", "/")
    assert value == f'299 archive "{kept}??"'


def test_warnings_together_may_have_4096_bytes_and_no_more() -> None:
    frame = len('299 archive ""')
    assert len(warnings((None, "x" * (4096 - frame)))) == 1
    assert warnings((None, "x" * (4097 - frame))) == []


def test_warnings_stay_far_below_what_a_gateway_takes_of_headers() -> None:
    values = warnings(*((reason, "x" * 1000) for reason in FailureReason))
    assert 1 <= len(values) < len(FailureReason)
    assert sum(map(len, values)) <= 4096


@pytest.mark.parametrize("media_type", [DICOM_JSON, DICOM_XML])
def test_the_longest_answer_is_one_that_a_function_may_return(media_type: str) -> None:
    longest = SOPReference.of("1" * 128, "2" * 128)
    assert longest is not None
    uid = "1" * 64
    valid = SOPReference(sop_class_uid=uid, sop_instance_uid=uid)
    warned = Stored(
        reference=valid,
        study_instance_uid=uid,
        series_instance_uid=uid,
        warning=WarningReason.ELEMENTS_DISCARDED,
        text="text",
    )
    refused = Failed(reason=FailureReason.CANNOT_UNDERSTAND, text="t" * 200, reference=longest)
    for outcome in (warned, refused):
        answer = response.report([outcome] * 40, media_type, f"https://{'h' * 100}")
        assert len(json.dumps({"body": answer.body})) * MAX_PARTS / 40 < LARGEST_RESPONSE

from http import HTTPStatus
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import pytest

from archive.entries import Kept
from archive.objects import key_of
from dicomweb.answer import response
from dicomweb.candidates import Candidate
from dicomweb.envelope import mediatypes
from dicomweb.instances import SOPInstance, receive
from dicomweb.outcomes import Failed
from dicomweb.reasons import FailureReason
from events.instances import PERSONAL, ct, study_instance_uid
from events.proxy import store_event
from store import handler
from store.settings import Settings, settings
from tests.builders import content_type, multipart, part
from tests.store.deployment import EVENTS, event
from tests.store.lambdas import Context, Store
from transaction import gateway, intake

BASE = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/dicomweb"
STORED = {
    "one-ct": 1,
    "ten-instances": 10,
    "to-study": 2,
    "two-studies": 2,
    "single-part": 1,
    "metadata": 1,
}
FAILED = {
    "mixed": (202, ["C000"], 1),
    "wrong-study": (409, ["C409"], 0),
    "unreadable": (400, ["C000", "C000"], 0),
}
MALFORMED = {
    "no-content-type": "no Content-Type",
    "empty": "an empty payload",
    "cut-off": "without a close delimiter",
    "form-data": "multipart/form-data",
    "gzip": "a Content-Encoding",
    "not-a-uid": "not a UID",
    "too-many-parts": "more than 4000 parts",
}


def test_every_committed_event_is_sent() -> None:
    sent = {*STORED, *FAILED, *MALFORMED, "other-bytes"}
    assert sent == {path.stem for path in (EVENTS / "store").glob("*.json")}


@pytest.mark.parametrize(("name", "instances"), STORED.items())
def test_what_is_stored_is_answered_200_and_named(store: Store, name: str, instances: int) -> None:
    reply = store.send(name)
    assert reply.status == HTTPStatus.OK
    kept = store.deployment.instances()
    assert len(kept) == instances
    studies = {item["StudyInstanceUID"]["S"] for item in kept}
    location = {"Location": f"{BASE}/studies/{next(iter(studies))}"} if len(studies) == 1 else {}
    assert reply.headers == {"Content-Type": "application/dicom+xml", **location}
    assert reply.warnings == []
    assert sorted(reply.values("ReferencedSOPInstanceUID")) == sorted(
        item["Resource"]["S"].rpartition("/")[2] for item in kept
    )


def test_a_content_type_that_the_gateway_leaves_folded_is_read(store: Store) -> None:
    sent = event("store/one-ct")
    (content_type,) = sent["multiValueHeaders"]["Content-Type"]
    sent["multiValueHeaders"]["Content-Type"] = [content_type.replace("; ", ";\r\n\t")]
    assert "\r\n" in str(sent["multiValueHeaders"]["Content-Type"][0])
    assert store.invoke(sent).status == HTTPStatus.OK


def test_an_instance_is_kept_byte_for_byte_with_its_study_and_series(store: Store) -> None:
    store.send("one-ct")
    assert list(store.deployment.objects().values()) == [ct()]
    items = {item["Resource"]["S"].split("/")[0]: item for item in store.deployment.items()}
    assert set(items) == {"study", "series", "instances"}
    assert items["study"]["PatientName"]["S"] == PERSONAL["PatientName"]
    assert items["series"]["Modality"]["S"] == "CT"


def test_without_a_warning_there_is_no_list_of_warnings(store: Store) -> None:
    assert "multiValueHeaders" not in store.send("one-ct").response
    assert store.send("mixed").response["multiValueHeaders"]["Warning"]


def test_the_same_bytes_again_are_200_and_add_nothing(store: Store) -> None:
    store.send("one-ct")
    before = store.deployment.objects(), store.deployment.items()
    assert store.send("one-ct").status == HTTPStatus.OK
    assert (store.deployment.objects(), store.deployment.items()) == before


def test_other_bytes_under_the_same_uids_are_409_and_the_first_stay(store: Store) -> None:
    store.send("one-ct")
    reply = store.send("other-bytes")
    assert (reply.status, reply.failure_reasons) == (409, ["0111"])
    assert list(store.deployment.objects().values()) == [ct()]


def test_other_bytes_become_current_if_the_deployment_replaces(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.send("one-ct")
    monkeypatch.setenv("DUPLICATE_POLICY", "replace")
    settings.cache_clear()
    assert store.send("other-bytes").status == HTTPStatus.OK
    (current,) = store.deployment.instances()
    objects = store.deployment.objects()
    assert objects[key_of(current)] == ct(window_center=41)
    assert ct() in objects.values()


def test_a_program_in_the_preamble_is_kept_or_refused_as_the_deployment_says(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = b"MZ\x90\0" + ct(number=2)[4:]
    sent = store_event(multipart(part(program), part(ct())), content_type())
    monkeypatch.setenv("PREAMBLE_POLICY", "refuse")
    settings.cache_clear()
    reply = store.invoke(sent)
    assert (reply.status, reply.failure_reasons) == (202, ["C000"])
    assert list(store.deployment.objects().values()) == [ct()]


@pytest.mark.parametrize("name", FAILED)
def test_what_fails_is_answered_with_the_reason_of_each_part(store: Store, name: str) -> None:
    status, reasons, instances = FAILED[name]
    reply = store.send(name)
    assert (reply.status, reply.failure_reasons) == (status, reasons)
    assert len(store.deployment.instances()) == instances
    (warning,) = reply.warnings
    assert warning.startswith(
        f'299 a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com "{reasons[0]}'
    )


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_is_400_with_a_status_report(store: Store, name: str) -> None:
    reply = store.send(name)
    assert reply.status == HTTPStatus.BAD_REQUEST
    (text,) = reply.values("TextValue")
    assert MALFORMED[name] in text
    (warning,) = reply.warnings
    assert '"C000: ' in warning
    assert store.deployment.objects() == {}
    assert store.deployment.items() == []


def test_the_answer_is_in_json_if_that_is_acceptable(store: Store) -> None:
    sent = event("store/one-ct")
    sent["multiValueHeaders"]["Accept"] = ["application/dicom+json"]
    reply = store.invoke(sent)
    assert reply.headers["Content-Type"] == "application/dicom+json"
    assert reply.body.startswith('{"00081190":')


def test_the_accept_query_parameter_asks_as_the_field_does(store: Store) -> None:
    sent = event("store/one-ct", queryStringParameters={"accept": "application/dicom+json"})
    sent["multiValueHeaders"].pop("Accept")
    assert store.invoke(sent).headers["Content-Type"] == "application/dicom+json"


@pytest.fixture
def retrieve_base_url(store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the base with which ``store`` is deployed."""
    assert store.deployment.items() == []
    monkeypatch.setenv("RETRIEVE_BASE_URL", "https://wado.example.org/rs/")
    settings.cache_clear()
    return "https://wado.example.org/rs"


def test_the_location_is_the_study_if_one_was_stored_and_retrieval_has_a_base(
    store: Store, retrieve_base_url: str
) -> None:
    study = f"{retrieve_base_url}/studies/{study_instance_uid(1)}"
    reply = store.send("mixed")
    assert reply.headers["Location"] == study
    assert [url.startswith(study) for url in reply.values("RetrieveURL")] == [True, True]


@pytest.mark.parametrize("name", ["two-studies", "unreadable", "wrong-study", "empty"])
def test_there_is_no_location_unless_exactly_one_study_was_stored(
    store: Store, retrieve_base_url: str, name: str
) -> None:
    assert retrieve_base_url
    assert "Location" not in store.send(name).headers


def test_without_time_left_nothing_is_stored_and_the_answer_is_503(store: Store) -> None:
    reply = store.send("ten-instances", seconds=handler.SECONDS_TO_ANSWER)
    assert reply.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert reply.headers["Retry-After"] == "5"
    assert set(reply.failure_reasons) == {"A700"}
    assert len(reply.failure_reasons) == 10
    (warning,) = reply.warnings
    assert '"A700: part 1: ' in warning


def test_what_there_is_no_time_to_read_is_refused_and_what_was_read_is_stored(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([28.0, 28.0, 28.0, *[0.0] * 7, 28.0])
    monkeypatch.setattr(handler, "seconds_left", lambda _: next(left))

    reply = store.send("ten-instances")

    assert reply.status == HTTPStatus.ACCEPTED
    assert reply.failure_reasons == ["A700"] * 7
    assert len(store.deployment.objects()) == 3


def test_the_time_that_making_the_archive_took_is_not_spent_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, asked = Context(28), Mock()
    asked.keep.return_value = [Kept()]

    def made_in_eight_seconds(_: Settings) -> Mock:
        context.seconds -= 8
        return asked

    monkeypatch.setattr(handler, "archive", made_in_eight_seconds)
    assert store.invoke(event("store/one-ct"), context=context).status == HTTPStatus.OK
    assert asked.keep.call_args.kwargs["seconds"] == 20 - handler.SECONDS_TO_ANSWER


def test_the_items_say_by_which_request_they_were_stored(store: Store) -> None:
    sent = event("store/one-ct")
    context = {**sent["requestContext"], "authorizer": {"principalId": "4dc1cbef"}}
    store.invoke({**sent, "requestContext": context})
    (item,) = store.deployment.instances()
    assert item["Request"]["S"] == f"post {context['requestId']} 4dc1cbef"


def test_a_part_that_nobody_foresaw_fails_alone_with_0110(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_at_first(candidate: Candidate, **options: Any) -> SOPInstance | Failed:  # noqa: ANN401 - passed on
        if candidate.number == 1:
            raise ValueError(PERSONAL["PatientName"])
        return receive(candidate, **options)

    monkeypatch.setattr(intake, "receive", fails_at_first)
    reply = store.send("to-study")
    assert (reply.status, reply.failure_reasons) == (202, ["0110"])
    assert len(store.deployment.instances()) == 1
    assert "part 1: could not be processed" in reply.warnings[0]


def fails(*_: object) -> None:
    raise RuntimeError(PERSONAL["PatientName"])


@pytest.mark.parametrize(
    ("room", "step", "name"),
    [
        (handler, "read_parts", "one-ct"),
        (handler, "archive", "one-ct"),
        (response, "status_of", "one-ct"),
    ],
)
def test_a_request_that_nobody_foresaw_is_503_with_a_status_report(
    store: Store, monkeypatch: pytest.MonkeyPatch, room: ModuleType, step: str, name: str
) -> None:
    monkeypatch.setattr(room, step, fails)
    reply = store.send(name)
    assert reply.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert reply.headers["Retry-After"] == "5"
    assert f'"{FailureReason.PROCESSING_FAILURE:04X}: ' in reply.warnings[0]
    assert PERSONAL["PatientName"] not in str(reply.response)


@pytest.mark.parametrize("name", ["one-ct", "empty"])
@pytest.mark.parametrize(
    ("room", "step"),
    [
        (handler, "settings"),
        (gateway, "read_request"),
        (mediatypes, "negotiate"),
        (gateway, "proxy_response"),
    ],
)
def test_a_request_that_cannot_be_read_or_answered_is_503_like_any_other(
    store: Store, monkeypatch: pytest.MonkeyPatch, room: ModuleType, step: str, name: str
) -> None:
    monkeypatch.setattr(room, step, fails)
    reply = store.send(name)
    assert reply.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert reply.headers == {"Content-Type": "application/dicom+xml", "Retry-After": "5"}
    assert reply.values("TextValue") == [response.UNFORESEEN]
    assert reply.warnings == [f'299 stowport "0110: {response.UNFORESEEN}"']


@pytest.mark.parametrize("broken", [{}, {"requestContext": None}, {"httpMethod": "POST"}])
def test_what_is_no_event_of_the_gateway_is_503(store: Store, broken: dict[str, Any]) -> None:
    assert store.invoke(broken).status == HTTPStatus.SERVICE_UNAVAILABLE

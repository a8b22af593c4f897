from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.answer.response import StoreResponse
from dicomweb.errors import MalformedRequest
from dicomweb.reasons import FailureReason
from tests.store.deployment import event
from transaction import gateway
from transaction.gateway import StoreRequest

HOST = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"
ORIGIN = "https://viewer.example.org"
Reasons = Sequence[tuple[FailureReason | None, str]]


def request(**changes: object) -> StoreRequest:
    return gateway.read_request(event("store/one-ct", **changes))


def proxy_response(
    *,
    status: HTTPStatus = HTTPStatus.OK,
    warnings: Reasons = (),
    origins: str = "",
    origin: str = "",
) -> dict[str, Any]:
    answer = StoreResponse(
        status=status, media_type="application/dicom+json", body="{}", warnings=warnings
    )
    asked = replace(request(), headers={"origin": origin} if origin else {})
    return gateway.proxy_response(answer, asked, frozenset(origins.split()))


def test_a_request_is_read_with_its_target_and_its_host() -> None:
    read = gateway.read_request(event("store/wrong-study"))
    assert (read.method, read.resource) == ("POST", "studies/{study}")
    assert read.target == read.study_instance_uid == "1.2.826.0.1.3680043.8.498.7.1.99"
    assert read.host == HOST
    assert read.base_url == f"https://{HOST}/dicomweb"
    assert read.request_id == "3f9d2a1e-0c5b-4d59-9f57-6a0a5f1c2b3d"


def test_all_studies_have_no_study_instance_uid() -> None:
    assert request().study_instance_uid is None


@pytest.mark.parametrize("target", ["", "1.02.3", "study", "1.2.3/series", "1" * 65])
def test_a_target_that_is_no_uid_is_refused(target: str) -> None:
    read = request(pathParameters={"study": target})
    with pytest.raises(MalformedRequest, match="not a UID"):
        read.study_instance_uid  # noqa: B018 - reading it is what raises


def test_header_names_are_in_lower_case_and_repeated_fields_are_joined() -> None:
    read = request(multiValueHeaders={"ACCEPT": ["a/b", "c/d"], "x": ["1"]})
    assert read.headers == {"accept": "a/b, c/d", "x": "1"}


def test_headers_that_have_one_value_each_will_do() -> None:
    assert request(multiValueHeaders=None, headers={"Accept": "a/b"}).headers == {"accept": "a/b"}


def test_a_request_without_any_header_is_read() -> None:
    assert request(multiValueHeaders=None, headers=None).headers == {}


def test_a_request_is_read_from_the_least_that_a_gateway_sends() -> None:
    read = gateway.read_request(
        {"requestContext": {}, "httpMethod": "POST", "resource": "/studies", "path": "/studies"}
    )
    assert (read.host, read.base_url, read.request_id) == ("stowport", "https://stowport", "")
    assert (read.target, read.accept_parameter) == (None, None)
    assert gateway.take_payload({}, read) == b""


@pytest.mark.parametrize("path", ["/studies/", "/studies"])
@pytest.mark.parametrize("base", ["", "/dicomweb"])
def test_the_base_url_is_what_stands_before_the_resource(path: str, base: str) -> None:
    sent = event("store/one-ct", path=path)
    sent["requestContext"]["path"] = base + path
    assert gateway.read_request(sent).base_url == f"https://{HOST}{base}"


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("/", "/"),
        ("/studies", "/studies"),
        ("/studies/{study}", "/studies/1.2.3"),
        ("/uploads/{id}", "/uploads/abc/"),
    ],
)
def test_on_a_domain_whose_path_is_in_both_paths_of_the_event_it_is_part_of_the_base_url(
    resource: str, path: str
) -> None:
    sent = event("store/one-ct", path=f"/dicomweb{path}", resource=resource)
    sent["requestContext"]["path"] = f"/dicomweb{path}"
    assert gateway.read_request(sent).base_url == f"https://{HOST}/dicomweb"


@given(st.binary())
def test_a_payload_in_base64_is_read_byte_for_byte(payload: bytes) -> None:
    sent = event("store/one-ct", body=b64encode(payload).decode())
    assert gateway.take_payload(sent, request()) == payload


def test_the_event_lets_go_of_the_body_that_is_read() -> None:
    sent = event("store/one-ct")
    gateway.take_payload(sent, request())
    assert "body" not in sent


@given(st.text(st.characters(exclude_characters="\ufffd", exclude_categories=["Cs"])))
def test_a_payload_that_came_as_text_is_its_utf_8(text: str) -> None:
    sent = event("store/one-ct", body=text, isBase64Encoded=False)
    assert gateway.take_payload(sent, request()) == text.encode()


@pytest.mark.parametrize("body", ["!", "AAA", "AA A=", "\N{BULLET}"])
def test_what_claims_to_be_base64_and_is_not_is_refused(body: str) -> None:
    with pytest.raises(MalformedRequest, match="not valid base64"):
        gateway.take_payload(event("store/one-ct", body=body), request())


def test_bytes_that_the_gateway_took_for_text_are_refused() -> None:
    with pytest.raises(MalformedRequest, match="media type that is not supported"):
        gateway.take_payload({"body": "DICM\ufffd", "isBase64Encoded": False}, request())


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "gzip, identity"])
def test_a_compressed_payload_is_refused(coding: str) -> None:
    asked = replace(request(), headers={"content-encoding": coding})
    with pytest.raises(MalformedRequest, match="Content-Encoding"):
        gateway.take_payload(event("store/one-ct"), asked)


@pytest.mark.parametrize("coding", ["identity", "Identity ", ""])
def test_a_coding_that_changes_nothing_is_none(coding: str) -> None:
    asked = replace(request(), headers={"content-encoding": coding})
    assert gateway.take_payload(event("store/one-ct"), asked).startswith(b"--")


def test_an_answer_is_text_of_its_media_type_and_nothing_more() -> None:
    assert proxy_response() == {
        "statusCode": 200,
        "headers": {"Content-Type": "application/dicom+json"},
        "body": "{}",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("status", HTTPStatus)
def test_only_503_says_when_to_try_again(status: HTTPStatus) -> None:
    assert ("Retry-After" in proxy_response(status=status)["headers"]) == (status == 503)


def test_the_api_is_who_warns() -> None:
    answer = proxy_response(warnings=[(FailureReason.CANNOT_UNDERSTAND, "one"), (None, "two")])
    assert answer["multiValueHeaders"] == {
        "Warning": [f'299 {HOST} "C000: one"', f'299 {HOST} "two"']
    }


@pytest.mark.parametrize(
    ("origins", "origin", "allowed", "vary"),
    [
        ("", ORIGIN, None, None),
        ("*", ORIGIN, "*", None),
        ("*", "", "*", None),
        (ORIGIN, ORIGIN, ORIGIN, "Origin"),
        (f"https://other.example {ORIGIN}", ORIGIN, ORIGIN, "Origin"),
        (ORIGIN, "https://evil.example", None, "Origin"),
        (ORIGIN, "", None, "Origin"),
    ],
)
def test_a_page_may_read_the_answer_if_its_origin_is_allowed(
    origins: str, origin: str, allowed: str | None, vary: str | None
) -> None:
    headers = proxy_response(origins=origins, origin=origin)["headers"]
    assert headers.get("Access-Control-Allow-Origin") == allowed
    assert headers.get("Vary") == vary
    exposed = headers.get("Access-Control-Expose-Headers", "")
    assert ("Warning" in exposed) == (allowed is not None)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.candidates import part10_content
from dicomweb.envelope.mediatypes import DICOM
from dicomweb.errors import MalformedRequest
from dicomweb.payloads import read_parts
from tests import builders, strategies

FILE = bytes(128) + b"DICM"


def refusal(content_type: str | None, payload: bytes) -> str:
    with pytest.raises(MalformedRequest) as refused:
        read_parts(content_type, payload)
    return str(refused.value)


def test_a_multipart_payload_is_its_parts() -> None:
    payload = builders.multipart(builders.part(b"one"), builders.part(b"two"))

    root_type, parts = read_parts(builders.content_type(), payload)

    assert root_type == DICOM
    assert [bytes(one.content) for one in parts] == [b"one", b"two"]


def test_a_single_part_payload_is_one_part_and_no_copy() -> None:
    payload = FILE

    root_type, parts = read_parts("application/dicom; transfer-syntax=1.2.840.10008.1.2.1", payload)

    assert root_type == DICOM
    assert [(one.number, one.content.obj, one.offset) for one in parts] == [(1, payload, 0)]
    assert part10_content(parts[0], root_type) == payload


@pytest.mark.parametrize("content_type", ["application/dicom", "Application/DICOM ; x=y", ""])
def test_parts_without_a_type_parameter_have_the_type_of_the_first_part(content_type: str) -> None:
    bulk_data = builders.part(b"\xff\xd8", Content_Type="image/jpeg")
    payload = builders.multipart(builders.part(FILE, Content_Type=content_type), bulk_data)

    assert read_parts("multipart/related; boundary=b0undary", payload)[0] == DICOM


def test_an_empty_content_type_of_the_first_part_is_none() -> None:
    payload = b"--b0undary\r\nContent-Type:\r\n\r\nbytes\r\n--b0undary--"

    assert read_parts("multipart/related; boundary=b0undary", payload)[0] == DICOM


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        (None, "found no Content-Type"),
        ("", "found no Content-Type"),
        ("nonsense", "without a media type, expected type/subtype"),
        ("text/plain", "not supported"),
        ("application/zip", "not supported"),
        ("application/octet-stream", "not supported"),
        ("multipart/form-data; boundary=b0undary", "found multipart/form-data"),
        ("multipart/mixed; boundary=b0undary", "not supported"),
        ('multipart/related; type="application/dicom"', "found no boundary"),
        ("multipart/related; boundary=other", "found no delimiter line"),
        ('multipart/related; boundary=""', "found a boundary of 0 characters"),
        ('multipart/related; type="text/html"; boundary=b0undary', "parts of a media type"),
        ("multipart/related; type=dicom; boundary=b0undary", "type/subtype"),
    ],
)
def test_what_is_not_taken_is_refused_with_what_is(content_type: str | None, text: str) -> None:
    assert text in refusal(content_type, builders.multipart(builders.part(FILE)))


@pytest.mark.parametrize(
    ("named", "root_type"),
    [
        ("application/dicom+json", "application/dicom+json"),
        ("application/json", "application/dicom+json"),
        ("Application/DICOM+XML", "application/dicom+xml"),
        ("text/xml", "application/dicom+xml"),
    ],
)
def test_metadata_is_a_root_type_under_its_older_names_too(named: str, root_type: str) -> None:
    content_type = f"multipart/related; type={named}; boundary=b0undary"
    payload = builders.multipart(builders.part(b"[]", Content_Type=named))
    assert read_parts(content_type, payload)[0] == root_type
    assert read_parts("multipart/related; boundary=b0undary", payload)[0] == root_type


@pytest.mark.parametrize("content_type", [builders.content_type(), "application/dicom"])
def test_an_empty_payload_is_refused(content_type: str) -> None:
    assert "found an empty payload" in refusal(content_type, b"")


def test_first_parts_of_another_type_are_refused_if_nothing_else_says_the_type() -> None:
    payload = builders.multipart(builders.part(FILE, Content_Type="text/plain"))

    assert "parts of a media type" in refusal("multipart/related; boundary=b0undary", payload)


@given(st.one_of(st.none(), strategies.media_type_soup), strategies.soups)
def test_any_request_has_parts_or_is_malformed(content_type: str | None, payload: bytes) -> None:
    try:
        assert read_parts(content_type, payload)[1]
    except MalformedRequest as refused:
        assert str(refused)  # noqa: PT017 - that it is raised is one of the two right results

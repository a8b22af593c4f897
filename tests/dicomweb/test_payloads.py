import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.errors import InstanceRejected, MalformedRequest
from dicomweb.mediatypes import DICOM
from dicomweb.multipart import BodyPart
from dicomweb.payloads import part10_content, read_parts
from dicomweb.reasons import FailureReason
from tests import builders, strategies

FILE = bytes(128) + b"DICM"


def refusal(content_type: str | None, payload: bytes) -> str:
    with pytest.raises(MalformedRequest) as refused:
        read_parts(content_type, payload)
    return str(refused.value)


def part(headers: dict[str, str], content: bytes = FILE) -> BodyPart:
    return BodyPart(number=1, headers=headers, content=memoryview(content))


def test_a_multipart_payload_is_its_parts() -> None:
    payload = builders.multipart(builders.part(b"one"), builders.part(b"two"))

    root_type, parts = read_parts(builders.content_type(), payload)

    assert root_type == DICOM
    assert [bytes(one.content) for one in parts] == [b"one", b"two"]


def test_a_single_part_payload_is_one_part_and_no_copy() -> None:
    payload = FILE

    root_type, parts = read_parts("application/dicom; transfer-syntax=1.2.840.10008.1.2.1", payload)

    assert root_type == DICOM
    assert [one.content.obj for one in parts] == [payload]
    assert part10_content(parts[0], root_type) == payload


@pytest.mark.parametrize("content_type", ["application/dicom", "Application/DICOM ; x=y", ""])
def test_parts_without_a_type_parameter_have_the_type_of_the_first_part(content_type: str) -> None:
    payload = builders.multipart(builders.part(FILE, Content_Type=content_type))

    assert read_parts("multipart/related; boundary=b0undary", payload)[0] == DICOM


def test_an_empty_content_type_of_the_first_part_is_none() -> None:
    payload = b"--b0undary\r\nContent-Type:\r\n\r\nbytes\r\n--b0undary--"

    assert read_parts("multipart/related; boundary=b0undary", payload)[0] == DICOM


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        (None, "found no Content-Type"),
        ("", "found no Content-Type"),
        ("nonsense", "no media type of the form type/subtype"),
        ("text/plain", "not supported"),
        ("application/zip", "not supported"),
        ("application/octet-stream", "not supported"),
        ("multipart/form-data; boundary=b0undary", "not supported"),
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


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "application/dicom"},
        {"content-type": "APPLICATION/DICOM;transfer-syntax=1.2.840.10008.1.2.4.50"},
        {"content-type": "application/octet-stream"},
        {"content-encoding": "gzip, identity"},
        {"content-length": "7", "content-id": "<x>", "content-location": "http://127.0.0.1/x"},
        {"content-disposition": "form-data; name=file; filename=x"},
        {"content-transfer-encoding": "binary"},
        {"content-transfer-encoding": "8BIT"},
    ],
)
def test_part_headers_that_clients_send_are_taken(headers: dict[str, str]) -> None:
    assert part10_content(part(headers), DICOM) == FILE


@pytest.mark.parametrize(
    ("headers", "content", "text"),
    [
        ({"content-type": "text/plain"}, FILE, "a media type other than that of the request"),
        ({"content-type": "application/dicom+json"}, b"[]", "a media type other than that"),
        ({"content-type": "application/octet-stream"}, b"bytes", "a media type other than that"),
        ({"content-type": "nonsense"}, FILE, "type/subtype"),
        ({"content-transfer-encoding": "base64"}, FILE, "found a Content-Transfer-Encoding"),
        ({"content-transfer-encoding": "quoted-printable"}, FILE, "Content-Transfer-Encoding"),
    ],
)
def test_part_headers_that_promise_something_else_are_refused_with_c000(
    headers: dict[str, str], content: bytes, text: str
) -> None:
    with pytest.raises(InstanceRejected, match=text) as refused:
        part10_content(part(headers, content), DICOM)
    assert refused.value.reason is FailureReason.CANNOT_UNDERSTAND

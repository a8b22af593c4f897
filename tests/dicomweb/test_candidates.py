import pytest

from dicomweb.candidates import part10_content
from dicomweb.envelope.mediatypes import DICOM
from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason

FILE = bytes(128) + b"DICM"


def part(headers: dict[str, str], content: bytes = FILE) -> BodyPart:
    return BodyPart(number=1, headers=headers, content=memoryview(content))


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
        ({"content-type": "text/plain"}, FILE, "a part with another media type"),
        ({"content-type": "application/dicom+json"}, b"[]", "a part with another media type"),
        ({"content-type": "application/octet-stream"}, b"bytes", "a part with another media type"),
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

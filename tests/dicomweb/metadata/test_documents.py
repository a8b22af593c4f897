"""Documents and what goes with them."""

import pytest
from pydicom import DataElement, Dataset

from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import InstanceRejected
from dicomweb.metadata.documents import set_document, set_document_length
from dicomweb.reasons import FailureReason


def made(mime_type: str | None = None, length: int | None = None) -> Dataset:
    data_set = Dataset()
    data_set[0x00420011] = DataElement(0x00420011, "OB", None)
    if mime_type:
        data_set.MIMETypeOfEncapsulatedDocument = mime_type
    if length is not None:
        data_set.EncapsulatedDocumentLength = length
    return data_set


def part(media_type: str, content: bytes = b"abc") -> BodyPart:
    return BodyPart(number=1, headers={"content-type": media_type}, content=memoryview(content))


@pytest.mark.parametrize(
    ("media_type", "mime_type"),
    [
        ("application/pdf", "application/pdf"),
        ("text/xml; charset=utf-8", "text/xml"),
        ("application/xml", "text/xml"),
        ("model/stl", "model/stl"),
        ("application/sla", "model/stl"),
        ("model/x.stl-binary", "model/stl"),
        ("model/obj", "model/obj"),
        ("model/mtl", "model/mtl"),
    ],
)
def test_the_type_of_the_part_is_that_of_the_document(media_type: str, mime_type: str) -> None:
    data_set = made()
    set_document(data_set, part(media_type))
    assert data_set.MIMETypeOfEncapsulatedDocument == mime_type
    assert data_set.EncapsulatedDocument == b"abc"


@pytest.mark.parametrize(
    ("sent", "media_type"),
    [
        ("application/pdf", "application/pdf"),
        ("Application/PDF; x=y", "application/pdf"),
        ("text/XML", "application/xml"),
        ("application/pdf", "application/octet-stream"),
        ("model/stl", "application/sla"),
    ],
)
def test_what_the_metadata_says_is_kept(sent: str, media_type: str) -> None:
    data_set = made(sent)
    set_document(data_set, part(media_type))
    assert data_set.MIMETypeOfEncapsulatedDocument == sent


@pytest.mark.parametrize(
    ("sent", "media_type"),
    [("application/pdf", "text/xml"), (None, "application/octet-stream")],
)
def test_types_that_differ_or_are_absent_are_refused(sent: str | None, media_type: str) -> None:
    with pytest.raises(InstanceRejected) as refusal:
        set_document(made(sent), part(media_type))
    assert refusal.value.reason == FailureReason.DATA_SET_DOES_NOT_MATCH_SOP_CLASS


@pytest.mark.parametrize(
    ("content", "sent", "length"),
    [(b"abc", None, 3), (b"abc", 3, 3), (b"abc\0", 3, 3), (b"abcd", 4, 4), (b"", None, 0)],
)
def test_the_length_is_true(content: bytes, sent: int | None, length: int) -> None:
    data_set = made(length=sent)
    data_set.EncapsulatedDocument = content
    set_document_length(data_set)
    assert data_set.EncapsulatedDocumentLength == length


@pytest.mark.parametrize(("content", "sent"), [(b"abc", 2), (b"abc", 4), (b"abcd", 5), (b"", 1)])
def test_a_length_that_is_not_is_refused(content: bytes, sent: int) -> None:
    data_set = made(length=sent)
    data_set.EncapsulatedDocument = content
    with pytest.raises(InstanceRejected) as refusal:
        set_document_length(data_set)
    assert refusal.value.reason == FailureReason.DATA_SET_DOES_NOT_MATCH_SOP_CLASS


def test_a_document_that_is_text_is_refused() -> None:
    data_set = made()
    data_set[0x00420011] = DataElement(0x00420011, "LT", "text")
    with pytest.raises(InstanceRejected) as refusal:
        set_document_length(data_set)
    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND

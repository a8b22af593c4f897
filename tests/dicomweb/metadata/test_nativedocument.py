"""Documents that are made to cost their parser too much."""

import pytest

from dicomweb.errors import InstanceRejected, MalformedRequest
from dicomweb.metadata.budget import Objects
from dicomweb.metadata.nativedocument import XMLElement, parse
from dicomweb.reasons import FailureReason
from dicomweb.timelimit import FOREVER
from tests.models import document


def parsed(*inner: str) -> XMLElement:
    return parse(document(*inner), Objects(), FOREVER)


def children(element: XMLElement) -> list[XMLElement]:
    return element.children or []


def test_an_element_has_the_attributes_and_the_text_of_the_model() -> None:
    [attribute] = children(
        parsed(
            '<DicomAttribute tag="00100020" vr="LO" keyword="PatientID" xml:space="preserve">\n'
            '<Value number="2"> a<!-- b -->c<?d?><![CDATA[<]]></Value></DicomAttribute>'
        )
    )
    [value] = children(attribute)

    assert attribute.attributes == {"tag": "00100020", "vr": "LO"}
    assert (attribute.text, value.name, value.number, value.text) == ("", "Value", "2", " ac<")


def test_an_element_of_32_attributes_is_parsed_and_one_of_more_is_not() -> None:
    names = [f"a{number}" for number in range(33)]
    parsed("<Item " + " ".join(f'{name}=">"' for name in names[:32]) + "/>")
    with pytest.raises(MalformedRequest, match="more than 32 attributes"):
        parsed("<Item " + " ".join(f"{name} = '>'" for name in names) + "/>")


def test_256_names_are_parsed_that_the_model_does_not_have_and_no_more() -> None:
    names = [f"<a{number}/>" for number in range(255)]
    parsed(*names, '<Item b=""/>')
    with pytest.raises(MalformedRequest, match="more than 256 other names"):
        parsed(*names, '<Item b="" c=""/>')


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_and_measured_like_any_other(encoding: str) -> None:
    many = "".join(f' a{number}=""' for number in range(33))
    with pytest.raises(MalformedRequest, match="more than 32 attributes"):
        parse(memoryview(f"<NativeDicomModel{many}/>".encode(encoding)), Objects(), FOREVER)
    with pytest.raises(MalformedRequest, match="UTF-16 that cannot be decoded"):
        parse(memoryview("<a/>".encode(encoding) + b"\xd8"), Objects(), FOREVER)


def test_elements_are_counted_before_they_are_made() -> None:
    with pytest.raises(InstanceRejected, match="bytes of memory when it is read"):
        parsed("<Item/>" * 200_000)


def test_text_beside_elements_is_not_kept_where_it_is_refused() -> None:
    [value] = children(parsed("<Value>a<Item/>b</Value>"))
    assert (value.text, len(children(value))) == ("a", 1)


def test_a_document_of_more_than_16_mib_is_not_parsed() -> None:
    large = memoryview(bytes(16 * 1024 * 1024 + 1))
    refused = pytest.raises(InstanceRejected, match="found metadata of 16777217 bytes")
    with refused as refusal, Objects().of(large):
        pytest.fail("was parsed")
    assert refusal.value.reason == FailureReason.OUT_OF_RESOURCES


def test_what_was_only_parsed_is_given_back() -> None:
    objects = Objects()
    for _ in range(10):
        with objects.of(document()):
            objects.take(4_000_000)
    with pytest.raises(InstanceRejected):
        objects.take(26_000_000)

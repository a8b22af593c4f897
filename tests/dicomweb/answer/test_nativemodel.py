from lxml import etree

from dicomweb.answer.model import Attribute
from dicomweb.answer.nativemodel import NAMESPACE, encode

EMPTY = Attribute(tag="00081190", keyword="RetrieveURL", vr="UR")
NUMBER = Attribute(tag="00081197", keyword="FailureReason", vr="US", values=(49442,))
TEXT = Attribute(tag="0040A160", keyword="TextValue", vr="UT", values=("<a> & ]]> \u738b",))
PREFIX = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    f'<NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve"'
)


def test_a_document_without_attributes_is_an_empty_model() -> None:
    assert encode([]) == PREFIX + "/>"


def test_an_empty_attribute_has_no_value() -> None:
    assert encode([EMPTY]) == (
        PREFIX
        + '><DicomAttribute tag="00081190" vr="UR" keyword="RetrieveURL"/></NativeDicomModel>'
    )


def test_values_are_numbered_text_and_escaped() -> None:
    root = etree.fromstring(encode([NUMBER, TEXT]).encode())

    values = root.findall(f".//{{{NAMESPACE}}}Value")

    assert [(value.get("number"), value.text) for value in values] == [
        ("1", "49442"),
        ("1", "<a> & ]]> \u738b"),
    ]


def test_items_are_numbered_and_may_be_empty() -> None:
    sequence = Attribute(
        tag="00081199", keyword="ReferencedSOPSequence", vr="SQ", values=([NUMBER], [])
    )

    root = etree.fromstring(encode([sequence]).encode())

    items = root.findall(f"{{{NAMESPACE}}}DicomAttribute/{{{NAMESPACE}}}Item")
    assert [(item.get("number"), len(item)) for item in items] == [("1", 1), ("2", 0)]

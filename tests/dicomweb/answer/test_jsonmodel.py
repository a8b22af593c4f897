import json

from dicomweb.answer.jsonmodel import encode
from dicomweb.answer.model import Attribute

EMPTY = Attribute(tag="00081190", keyword="RetrieveURL", vr="UR")
NUMBER = Attribute(tag="00081197", keyword="FailureReason", vr="US", values=(49442,))
TEXT = Attribute(tag="0040A160", keyword="TextValue", vr="UT", values=('a "quoted" \u738b\n',))


def test_an_attribute_is_its_vr_and_its_values() -> None:
    assert json.loads(encode([EMPTY, NUMBER, TEXT])) == {
        "00081190": {"vr": "UR"},
        "00081197": {"vr": "US", "Value": [49442]},
        "0040A160": {"vr": "UT", "Value": ['a "quoted" \u738b\n']},
    }


def test_an_item_is_an_object_and_may_be_empty() -> None:
    sequence = Attribute(
        tag="00081199", keyword="ReferencedSOPSequence", vr="SQ", values=([NUMBER], [])
    )

    assert json.loads(encode([sequence])) == {
        "00081199": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [49442]}}, {}]}
    }


def test_the_text_is_ascii_without_blanks() -> None:
    assert encode([EMPTY]) == '{"00081190":{"vr":"UR"}}'
    assert encode([TEXT]).isascii()
    assert encode([]) == "{}"

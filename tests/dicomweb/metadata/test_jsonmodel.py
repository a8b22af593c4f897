import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from dicomweb.envelope.multipart import MAX_PARTS
from dicomweb.errors import InstanceRejected, MalformedRequest
from dicomweb.metadata import jsonmodel
from dicomweb.metadata.budget import Objects
from dicomweb.metadata.elements import VALUE_REPRESENTATIONS
from dicomweb.part10.walker import MAX_DEPTH
from dicomweb.reasons import FailureReason
from tests import models, shown
from tests.processor_time import GENEROUS, growth


def encoded(document: object) -> memoryview:
    return memoryview(json.dumps(document).encode())


def read_one(instance: object) -> shown.Shown:
    [metadata] = shown.read_json(encoded([instance]))
    assert isinstance(metadata, shown.Shown), str(metadata)
    return metadata


def refused(instance: object) -> InstanceRejected:
    [refusal] = shown.read_json(encoded([instance]))
    assert isinstance(refusal, InstanceRejected)
    assert refusal.reason == FailureReason.CANNOT_UNDERSTAND
    return refusal


def value(vr: str, *values: object) -> object:
    return read_one({"0F0E0001": {"vr": vr, "Value": values}}).data_set[0x0F0E0001].value


def nested(depth: int) -> object:
    instance: dict[str, object] = {}
    for _ in range(depth):
        instance = {"00081140": {"vr": "SQ", "Value": [instance]}}
    return instance


@pytest.mark.parametrize("text", ["[{}]", "{}", " [ {} ] ", "\ufeff[{}]"])
def test_an_empty_object_alone_or_in_an_array_is_an_empty_data_set(text: str) -> None:
    assert shown.read_json(memoryview(text.encode())) == [
        shown.Shown(data_set=Dataset(), bulk_data=[])
    ]


def test_each_instance_of_an_array_stands_for_itself() -> None:
    first, second, third, fourth = shown.read_json(
        encoded(
            [
                {"00100020": {"vr": "LO", "Value": ["A"]}},
                {"00100020": {"vr": "US", "Value": [-1]}},
                "no object",
                {"00100020": {"vr": "LO", "Value": ["D"]}},
            ]
        )
    )

    assert isinstance(first, shown.Shown)
    assert isinstance(fourth, shown.Shown)
    assert (first.data_set.PatientID, fourth.data_set.PatientID) == ("A", "D")
    assert str(second) == "(0010,0020): found a number out of range, expected 0 to 65535"
    assert "not an object" in str(third)


@pytest.mark.parametrize("document", [[], 1, "text", None, True, [{}] * (MAX_PARTS + 1)])
def test_what_holds_no_instances_or_too_many_is_a_malformed_request(document: object) -> None:
    with pytest.raises(MalformedRequest, match="array of 1 to 4000 instances"):
        shown.read_json(encoded(document))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "invalid JSON at character 0"),
        (b"[{]", "invalid JSON at character 2"),
        (b"[{}]x", "invalid JSON at character 4"),
        (b"[{'a': 1}]", "invalid JSON at character 2"),
        (b"[{} // comment\n]", "invalid JSON"),
        (b'["\xff"]', "not UTF-8 at byte 2"),
        ('[{"00100020":{"vr":"LO"}}]'.encode("utf-16"), "not UTF-8"),
        (b"[NaN]", "NaN or Infinity"),
        (b'[{"00180088":{"vr":"DS","Value":[-Infinity]}}]', "NaN or Infinity"),
        (b'[{"00100020":{"vr":"LO"},"00100020":{"vr":"SH"}}]', "a key twice"),
        (b'[{"00100020":{"vr":"LO","vr":"SH"}}]', "a key twice"),
        (b"[" * 5_000, "nested too deep"),
        (b'{"a":' * 5_000, "nested too deep"),
    ],
)
def test_what_is_no_json_is_a_malformed_request(content: bytes, text: str) -> None:
    with pytest.raises(MalformedRequest, match=text):
        shown.read_json(memoryview(content))


def test_objects_are_counted_before_they_are_made() -> None:
    many = f'[{{"00081140":{{"vr":"SQ","Value":[{"{}," * 100_000}{{}}]}}}}]'.encode()
    with pytest.raises(InstanceRejected, match="bytes of memory when it is read") as refusal:
        shown.read_json(memoryview(many * 2))  # which is not even JSON
    assert refusal.value.reason == FailureReason.OUT_OF_RESOURCES


def test_what_looks_like_objects_in_text_is_not_counted() -> None:
    text = '{[,\\"' * 1_000_000
    assert value("UT", text) == text


@pytest.mark.parametrize("key", ["PatientID", "0010020", "001000200", "0x100020", "0010,0020", ""])
def test_a_key_that_is_no_tag_is_refused(key: str) -> None:
    assert str(refused({key: {"vr": "LO"}})) == (
        "an attribute: found an invalid tag, expected 8 hexadecimal digits"
    )


def test_hexadecimal_digits_may_be_in_lower_case() -> None:
    assert read_one({"0020000d": {"vr": "UI", "Value": ["1.2"]}}).data_set.StudyInstanceUID == "1.2"


def test_a_tag_in_both_cases_is_there_twice() -> None:
    refusal = refused({"0020000d": {"vr": "UI"}, "0020000D": {"vr": "UI"}})

    assert str(refusal) == "(0020,000D): found the attribute twice, expected it once"


@pytest.mark.parametrize("attribute", [None, 1, "A", ["A"], True])
def test_an_attribute_that_is_no_object_is_refused(attribute: object) -> None:
    assert str(refused({"00100020": attribute})).startswith(
        "an attribute: found an attribute that is not an object"
    )


@pytest.mark.parametrize("vr", sorted(VALUE_REPRESENTATIONS))
@pytest.mark.parametrize("content", [{}, {"Value": []}, {"Value": None}])
def test_an_attribute_without_content_is_empty(vr: str, content: dict[str, object]) -> None:
    data_set = read_one({"0F0E0001": {"vr": vr, **content}}).data_set

    assert (data_set[0x0F0E0001].VR, data_set[0x0F0E0001].is_empty) == (vr, True)


@pytest.mark.parametrize("vr", ["LO", "PN", "US", "FD", "AT", "DS", "IS", "UV"])
def test_null_is_an_empty_value(vr: str) -> None:
    assert read_one({"0F0E0001": {"vr": vr, "Value": [None]}}).data_set[0x0F0E0001].is_empty


def test_null_keeps_the_place_of_a_value_in_text() -> None:
    assert value("LO", None, "B", None) == ["", "B", ""]
    assert value("DS", "1.50", None) == "1.50\\"
    assert value("PN", None, {"Alphabetic": "B"}) == ["", "B"]


def test_items_may_be_empty_objects_or_null() -> None:
    items = read_one(
        {"00081140": {"vr": "SQ", "Value": [{}, None, {"00080060": {"vr": "CS"}}]}}
    ).data_set.ReferencedImageSequence

    assert [len(item) for item in items] == [0, 0, 1]


@pytest.mark.parametrize("item", [1, "A", [], [{}]])
def test_an_item_that_is_no_object_is_refused(item: object) -> None:
    assert str(refused({"00081140": {"vr": "SQ", "Value": [item]}})) == (
        "(0008,1140): found an item that is not an object"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ({}, ""),
        ({"Alphabetic": "Doe^John"}, "Doe^John"),
        ({"Alphabetic": None, "Ideographic": "山田"}, "=山田"),
        (
            {"Phonetic": "やまだ", "Alphabetic": "Yamada", "Ideographic": "山田"},
            "Yamada=山田=やまだ",
        ),
        ("Yamada=山田", "Yamada=山田"),
        ("", ""),
    ],
)
def test_a_person_name_is_an_object_of_groups_or_a_string(name: object, expected: str) -> None:
    assert value("PN", name) == expected


@pytest.mark.parametrize(
    "name",
    [
        True,
        ["Doe"],
        {"alphabetic": "Doe"},
        {"Alphabetic": 1},
        {"Alphabetic": ["Doe"]},
        {"Alphabetic": "Doe=Doe", "Ideographic": "Doe"},
        "\ud800",
        {"Alphabetic": "\ud800"},
    ],
)
def test_a_person_name_that_is_none_is_refused(name: object) -> None:
    assert str(refused({"00100010": {"vr": "PN", "Value": [name]}})).startswith("(0010,0010): fou")


@pytest.mark.parametrize("inline", ["AAEC", ["AAEC"], "AA\r\nEC", " AAEC "])
def test_inline_binary_is_a_string_or_an_array_of_one(inline: object) -> None:
    data_set = read_one({"00282000": {"vr": "OB", "InlineBinary": inline}}).data_set

    assert data_set.ICCProfile == b"\0\1\2"


def test_bulk_data_is_listed_with_the_data_set_that_it_belongs_to() -> None:
    metadata = read_one(
        {
            "7FE00010": {"vr": "OW", "BulkDataURI": "file:///etc/passwd"},
            "00081140": {"vr": "SQ", "Value": [{"00281201": {"vr": "OW", "BulkDataURI": ["b"]}}]},
        }
    )

    item = metadata.data_set.ReferencedImageSequence[0]
    first, second = metadata.bulk_data
    assert (first.tag, first.uri) == (0x7FE00010, "file:///etc/passwd")
    assert (second.tag, second.uri) == (0x00281201, "b")
    assert first.holder is metadata.data_set
    assert second.holder is item
    assert metadata.data_set["PixelData"].VR == item[0x00281201].VR == "OW"
    assert metadata.data_set["PixelData"].is_empty


@pytest.mark.parametrize(
    ("vr", "content"),
    [
        ("LO", {"Value": "A"}),
        ("LO", {"Value": {"0": "A"}}),
        ("LO", {"value": ["A"]}),
        ("LO", {"Value": [["A"]]}),
        ("LO", {"Value": [True]}),
        ("LO", {"Value": [{}]}),
        ("LO", {"Value": ["\udc00"]}),
        ("LO", {"InlineBinary": "QQ=="}),
        ("OB", {"Value": ["A"]}),
        ("OB", {"InlineBinary": "A"}),
        ("OB", {"InlineBinary": ["QQ==", "QQ=="]}),
        ("OB", {"InlineBinary": []}),
        ("OB", {"InlineBinary": "QQ==", "BulkDataURI": "a"}),
        ("OB", {"BulkDataURI": 1}),
        ("OB", {"BulkDataURI": ""}),
        ("OB", {"BulkDataURI": "\ud800"}),
        ("OB", {"DataFragment": [{"BulkDataURI": "a"}]}),
        ("US", {"Value": [1], "BulkDataURI": "a"}),
        ("SQ", {"BulkDataURI": "a"}),
        ("SQ", {"Value": [1]}),
        ("XX", {}),
        ("lo", {}),
    ],
)
def test_content_that_an_attribute_does_not_have_is_refused(
    vr: str, content: dict[str, object]
) -> None:
    assert str(refused({"00282000": {"vr": vr, **content}})).startswith("(0028,2000): ")


def test_a_vr_that_is_no_string_is_refused() -> None:
    assert (
        str(refused({"00100020": {"vr": 1}}))
        == "(0010,0020): found an unknown VR, expected one of PS3.5 Table 6.2-1"
    )


def test_what_is_said_besides_the_content_of_an_attribute_is_passed_over() -> None:
    attribute = {"vr": "LO", "keyword": "PatientID", "Value": ["A"], "BulkDataURI": None}

    assert read_one({"00100020": attribute}).data_set.PatientID == "A"


def test_private_attributes_have_the_tags_that_they_have() -> None:
    data_set = read_one(
        {
            "00091234": {"vr": "LO", "Value": ["A"]},
            "00090012": {"vr": "LO", "Value": ["ACME"]},
        }
    ).data_set

    assert data_set.get_private_item(0x0009, 0x34, "ACME").value == "A"


@pytest.mark.parametrize(
    ("vr", "sent", "held"),
    [
        ("US", 65535.0, 65535),
        ("UV", 2**64 - 1, 2**64 - 1),
        ("SV", "-9223372036854775808", -(2**63)),
        ("IS", 5, "5"),
        ("IS", 14.5, "14.5"),
        ("IS", "4.000000", "4.000000"),
        ("DS", "1,5", "1,5"),
        ("LO", 5, "5"),
        ("PN", 5, "5"),
        ("IS", "+05", "+05"),
        ("DS", "1.500", "1.500"),
        ("DS", 3.141592653589793, "3.14159265358979"),
        ("DS", 123456789012345678, "1.2345678901e+17"),
        ("FD", "NaN", "nan"),
        ("FL", "-Infinity", "-inf"),
    ],
)
def test_numbers_may_be_numbers_or_strings(vr: str, sent: object, held: object) -> None:
    found = value(vr, sent)

    assert found == held or str(found) == held


@pytest.mark.parametrize(
    ("vr", "number"),
    [("FD", "1e999"), ("DS", "1e999"), ("UV", "1" * 5000), ("IS", "1" * 5000), ("US", "0.5")],
)
def test_numbers_that_no_element_can_hold_are_refused(vr: str, number: str) -> None:
    content = f'[{{"00100020":{{"vr":"{vr}","Value":[{number}]}}}}]'

    [refusal] = shown.read_json(memoryview(content.encode()))

    assert str(refusal).startswith("(0010,0020): found ")


def test_sequences_may_be_as_deep_as_in_an_instance_and_no_deeper() -> None:
    assert len(read_one(nested(MAX_DEPTH)).data_set.ReferencedImageSequence) == 1
    assert f"nested deeper than {MAX_DEPTH}" in str(refused(nested(MAX_DEPTH + 1)))


def test_sequences_nested_500_deep_are_refused() -> None:
    opened, closed = '{"00081140":{"vr":"SQ","Value":[' * 500, "]}}" * 500
    with suppress(MalformedRequest):  # how deep Python's own reader goes depends on its version
        [refusal] = shown.read_json(memoryview(f"[{opened}{closed}]".encode()))
        assert isinstance(refusal, InstanceRejected)


def _attributes(size: int) -> Callable[[], object]:
    content = encoded([{f"0F0E{n:04X}": {"vr": "LO", "Value": ["A"]} for n in range(1, size)}])
    return lambda: jsonmodel.read(content, Objects())


def _values(size: int) -> Callable[[], object]:
    content = encoded([{"0F0E0001": {"vr": "US", "Value": list(range(size))}}])
    return lambda: jsonmodel.read(content, Objects())


def _bulk_data(size: int) -> Callable[[], object]:
    uris = {f"0F0E{n:04X}": {"vr": "OB", "BulkDataURI": f"bulk/{n}"} for n in range(1, size)}
    content = encoded([uris])
    return lambda: jsonmodel.read(content, Objects())


@pytest.mark.parametrize(
    ("document", "size"), [(_attributes, 4000), (_values, 15_000), (_bulk_data, 4000)]
)
def test_time_is_linear(document: Callable[[int], Callable[[], object]], size: int) -> None:
    assert growth(document, size) < GENEROUS


@given(models.data_sets)
def test_any_data_set_survives_the_model(data_set: Dataset) -> None:
    try:
        written = data_set.to_json_dict()
    except IndexError:  # pydicom does not write an empty name among several
        reject()

    # pydicom writes infinity bare, which is no JSON.
    text = re.sub(r"(?<=[\[ ])-?Infinity(?=[],])", r'"\g<0>"', json.dumps([written]))

    [metadata] = shown.read_json(memoryview(text.encode()))

    assert isinstance(metadata, shown.Shown)
    assert models.differences(metadata.data_set, data_set) == set()


_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.sampled_from(["00080005", "00091001", "00020010", "00281101", "x"]),
            st.fixed_dictionaries(
                {"vr": st.sampled_from([*sorted(VALUE_REPRESENTATIONS), "XX"])},
                optional={
                    "Value": st.lists(children, max_size=3),
                    "InlineBinary": children,
                    "BulkDataURI": children,
                },
            ),
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(st.one_of(st.binary(), st.text().map(str.encode), _json.map(json.dumps).map(str.encode)))
def test_any_bytes_are_metadata_or_refusals(content: bytes) -> None:
    with suppress(MalformedRequest):
        found = shown.read_json(memoryview(content))
        assert all(isinstance(instance, shown.Shown | InstanceRejected) for instance in found)

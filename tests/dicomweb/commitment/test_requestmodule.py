"""The Storage Commitment Request Module, in both notations and both forms (PS3.18 J.1)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomweb.answer import nativemodel
from dicomweb.answer.model import Attribute
from dicomweb.commitment.requestmodule import MOST_UIDS, Form, Reference, read
from dicomweb.errors import MalformedRequest

JSON, XML = "application/dicom+json", "application/dicom+xml"
CT = "1.2.840.10008.5.1.4.1.1.2"

Tree = dict[str, Any]


def sequence(*items: Tree) -> dict[str, Any]:
    return {"vr": "SQ", "Value": list(items)}


def uid(value: str) -> dict[str, Any]:
    return {"vr": "UI", "Value": [value]}


def sop(instance: str, sop_class: str = CT) -> Tree:
    return {"00081150": uid(sop_class), "00081155": uid(instance)}


def study(study: str, series: str, sop_class: str, *instances: str) -> Tree:
    of_class = {
        "00081150": uid(sop_class),
        "0008114A": sequence(*({"00081155": uid(each)} for each in instances)),
    }
    of_series = {"0020000E": uid(series), "00081112": sequence(of_class)}
    return {"0020000D": uid(study), "00081115": sequence(of_series)}


def in_json(tree: object) -> bytes:
    return json.dumps(tree).encode()


def in_xml(tree: Tree) -> bytes:
    def attributes(item: Tree) -> list[Attribute]:
        return [
            Attribute(
                tag=tag,
                keyword="",
                vr=attribute["vr"],
                values=[
                    attributes(each) if isinstance(each, dict) else each
                    for each in attribute["Value"]
                ],
            )
            for tag, attribute in item.items()
        ]

    return nativemodel.encode(attributes(tree)).encode()


UIDS = st.integers(0, 10**20).map(lambda number: f"1.{number}")


@settings(max_examples=25)
@given(st.lists(st.tuples(UIDS, UIDS), min_size=1, max_size=5))
def test_references_to_instances_are_read_in_their_order(references: list[tuple[str, str]]) -> None:
    tree = {"00081199": sequence(*(sop(instance, of_class) for of_class, instance in references))}
    for content_type, payload in ((JSON, in_json(tree)), (XML, in_xml(tree))):
        request = read(content_type, payload)
        assert request.form is Form.SOP
        assert request.references == tuple(Reference(*each) for each in references)


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(UIDS, UIDS, UIDS, st.lists(UIDS, min_size=1, max_size=3)), min_size=1, max_size=4
    )
)
def test_references_below_studies_are_read_with_all_their_uids(
    studies: list[tuple[str, str, str, list[str]]],
) -> None:
    tree = {"00081110": sequence(*(study(a, b, c, *instances) for a, b, c, instances in studies))}
    for content_type, payload in ((JSON, in_json(tree)), (XML, in_xml(tree))):
        request = read(content_type, payload)
        assert request.form is Form.STUDY
        assert request.references == tuple(
            Reference(sop_class, instance, of_study, series)
            for of_study, series, sop_class, instances in studies
            for instance in instances
        )


@pytest.mark.parametrize("alias", ["application/json", "APPLICATION/DICOM+JSON; charset=utf-8"])
def test_json_has_names_that_clients_use(alias: str) -> None:
    assert read(alias, in_json([{"00081199": sequence(sop("1.2"))}])).references


def test_padding_of_a_uid_and_lower_case_of_a_tag_do_not_matter() -> None:
    tree = {"00081110": sequence(study("1.2\0", "1.3 ", CT, "1.4"))}
    text = json.dumps(tree).replace("0020000E", "0020000e")
    assert read(JSON, text.encode()).references == (Reference(CT, "1.4", "1.2", "1.3"),)


def test_other_attributes_do_not_matter() -> None:
    name = b'<DicomAttribute tag="00100010" vr="PN"><PersonName number="1"/></DicomAttribute>'
    payload = in_xml({"00081199": sequence(sop("1.2"))})
    payload = payload.replace(b"</NativeDicomModel>", name + b"</NativeDicomModel>")
    assert read(XML, payload).references == (Reference(CT, "1.2"),)


def test_a_uid_that_is_not_valid_is_a_reference_all_the_same() -> None:
    assert read(JSON, in_json({"00081199": sequence(sop("1.02"))})).references == (
        Reference(CT, "1.02"),
    )


@pytest.mark.parametrize(
    ("content_type", "payload", "words"),
    [
        (None, b"{}", "a Content-Type that is not supported"),
        ("application/dicom", b"{}", "a Content-Type that is not supported"),
        ("nonsense", b"{}", "a Content-Type without a media type"),
        (JSON, b"\xff", "not JSON in UTF-8"),
        (JSON, b"[" * 100_000, "not JSON in UTF-8"),
        (JSON, b"[1" + b"0" * 5000 + b"]", "not JSON in UTF-8"),
        (JSON, b"[]", "expected an object"),
        (JSON, b"[{}, {}]", "expected an object"),
        (JSON, b"{}", "found no items"),
        (JSON, in_json({"00081199": sequence()}), "found no items"),
        (JSON, in_json({"00081199": 1}), "found no items"),
        (JSON, in_json({"00081199": {"vr": "SQ", "Value": 1}}), "found no items"),
        (JSON, in_json({"00081199": {"vr": "SQ", "Value": [1]}}), "found no items"),
        (JSON, in_json({"00081199": {"vr": "SQ", "Value": ["a"]}}), "expected items"),
        (JSON, in_json({"00081199": sequence({})}), "no Referenced SOP Class UID (0008,1150)"),
        (
            JSON,
            in_json({"00081199": sequence({"00081150": uid(CT)})}),
            "no Referenced SOP Instance UID (0008,1155)",
        ),
        (JSON, in_json({"00081199": sequence(sop("<1>"))}), "no Referenced SOP Instance UID"),
        (
            JSON,
            in_json({"00081199": sequence({**sop("1.2"), "00081155": {"Value": ["1.2", "1.3"]}})}),
            "no Referenced SOP Instance UID",
        ),
        (
            JSON,
            in_json({"00081199": sequence(sop("1.2")), "00081110": sequence(study("1", "2", CT))}),
            "found both items",
        ),
        (
            JSON,
            in_json({"00081110": sequence({"0020000D": uid("1.2")})}),
            "no items of Referenced Series Sequence (0008,1115)",
        ),
        (
            JSON,
            in_json({"00081110": sequence(study("1.2", "1.3", CT))}),
            "no items of Referenced Instance Sequence (0008,114A)",
        ),
        (XML, b"<NativeDicomModel/>", "found no items"),
        (XML, b"<a/>", "another root element"),
        (XML, b"{}", "not well-formed"),
        (XML, b"<!DOCTYPE a><a/>", "document type declaration"),
    ],
)
def test_what_is_not_the_module_is_refused(
    content_type: str | None, payload: bytes, words: str
) -> None:
    with pytest.raises(MalformedRequest) as refusal:
        read(content_type, payload)
    assert words in str(refusal.value)


@pytest.mark.parametrize("encode", [in_json, in_xml])
def test_sequences_that_are_nested_too_deeply_are_refused(encode: Callable[[Tree], bytes]) -> None:
    tree: Tree = {}
    for _ in range(20):
        tree = {"00081199": sequence(tree)}
    content_type = JSON if encode is in_json else XML
    with pytest.raises(MalformedRequest, match="nested too deeply"):
        read(content_type, encode(tree))


def test_xml_of_too_many_elements_is_refused() -> None:
    payload = b"<NativeDicomModel>" + b"<DicomAttribute/>" * 80_000 + b"</NativeDicomModel>"
    with pytest.raises(MalformedRequest, match="bytes of memory"):
        read(XML, payload)


def test_more_uids_than_an_answer_can_hold_are_refused() -> None:
    most = [sop(f"1.{number}") for number in range(MOST_UIDS // 2)]
    assert len(read(JSON, in_json({"00081199": sequence(*most)})).references) == 5000
    with pytest.raises(MalformedRequest, match="more than 10000 UIDs"):
        read(JSON, in_json({"00081199": sequence(*most, sop("1.2"))}))

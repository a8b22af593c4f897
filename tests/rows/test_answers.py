"""Rows 69-80 and 121-125 of docs/conformance.md: what the answers look like."""

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from pydicom.dataset import Dataset

from dicomweb.answer import responsemodule
from dicomweb.envelope.mediatypes import DICOM_XML
from dicomweb.outcomes import SOPReference, Stored, status_of
from dicomweb.reasons import WarningReason
from tests.answers import NATIVE, from_xml
from tests.builders import instance, sop_uid, study_uid

if TYPE_CHECKING:
    from tests.answers import Answer
    from tests.service import RunningService

XML, JSON = "application/dicom+xml", "application/dicom+json"
XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
WADL = "{http://wadl.dev.java.net/2009/02}"


def check(answer: "Answer", row: int, media_type: str) -> None:
    assert answer.status == 200
    assert answer.media_type == media_type
    assert answer.stored == [sop_uid(row)]


def check_native_model(data_set: ET.Element) -> int:
    """Check elements against PS3.19 A.1.6 and return how many attributes there are."""
    attributes = data_set.findall(f"{NATIVE}DicomAttribute")
    assert list(data_set) == attributes
    assert [one.attrib["tag"] for one in attributes] == sorted(
        one.attrib["tag"] for one in attributes
    )
    return sum(check_attribute(attribute) for attribute in attributes)


def check_attribute(attribute: ET.Element) -> int:
    assert set(attribute.attrib) == {"tag", "vr", "keyword"}
    assert re.fullmatch("[0-9A-F]{8}", attribute.attrib["tag"])
    assert re.fullmatch("[A-Z]{2}", attribute.attrib["vr"])
    kind = f"{NATIVE}{'Item' if attribute.attrib['vr'] == 'SQ' else 'Value'}"
    assert [child.tag for child in attribute] == [kind] * len(attribute)
    assert [child.attrib["number"] for child in attribute] == [
        str(number) for number in range(1, len(attribute) + 1)
    ]
    assert all(child.text for child in attribute.findall(f"{NATIVE}Value"))
    return 1 + sum(check_native_model(item) for item in attribute.findall(f"{NATIVE}Item"))


def test_row_069_json_is_one_object(running: "RunningService") -> None:
    answer = running.store(instance(69), Accept=JSON)
    check(answer, 69, JSON)
    assert isinstance(json.loads(answer.body), dict)
    module = Dataset.from_json(answer.body.decode())
    assert module.RetrieveURL == f"{running.base_url}/studies/{study_uid(69)}"


def test_row_070_xml_is_a_native_dicom_model(running: "RunningService") -> None:
    answer = running.store(instance(70), b"garbage", instance(70, PixelData=bytes(32)), Accept=XML)
    assert answer.media_type == XML
    assert answer.sequences == {"00081198", "00081199", "0008119A"}
    model = ET.fromstring(answer.body)
    assert model.tag == f"{NATIVE}NativeDicomModel"
    assert model.attrib == {XML_SPACE: "preserve"}
    assert check_native_model(model) == 4 + 3 + 3 + 1


def test_row_071_any_type_is_acceptable(running: "RunningService") -> None:
    check(running.store(instance(71), Accept="*/*"), 71, XML)


@pytest.mark.parametrize("accept", [None, " "])
def test_row_072_no_accept_field(running: "RunningService", accept: str | None) -> None:
    check(running.store(instance(72), Accept=accept), 72, XML)


@pytest.mark.parametrize("accept", ["image/png", "text/html, image/*;q=0.5"])
def test_row_073_no_acceptable_type_gives_the_default(
    running: "RunningService", accept: str
) -> None:
    check(running.store(instance(73), Accept=accept), 73, XML)


def test_row_074_the_higher_quality_wins(running: "RunningService") -> None:
    accept = f"{XML};q=0.2, {JSON};q=0.9"
    check(running.store(instance(74), Accept=accept), 74, JSON)


@pytest.mark.parametrize(("excluded", "answered"), [(JSON, XML), (XML, JSON)])
def test_row_075_what_has_quality_zero_is_excluded(
    running: "RunningService", excluded: str, answered: str
) -> None:
    check(running.store(instance(75), Accept=f"{excluded};q=0, */*"), 75, answered)


@pytest.mark.parametrize("accept", [f"garbage;;, {XML}", f"{JSON};q=much, {XML};q=0.1", "\x7f,;="])
def test_row_076_what_is_invalid_in_accept_is_ignored(
    running: "RunningService", accept: str
) -> None:
    check(running.store(instance(76), Accept=accept), 76, XML)


@pytest.mark.parametrize(
    ("query", "answered"),
    [
        ("?accept=application/dicom%2Bxml", XML),
        ("?accept=application/dicom%2Bjson", JSON),
        ("?accept=application/dicom+json", JSON),
        ("?accept=image/png", XML),
        ("?accept=", XML),
    ],
)
def test_row_077_the_accept_parameter(running: "RunningService", query: str, answered: str) -> None:
    answer = running.store(instance(77), path=f"/studies{query}", Accept="*/*")
    check(answer, 77, answered)


@pytest.mark.parametrize("query", ["?foo=bar", "?accept", "?a=1&a=2&%ff", "?"])
def test_row_078_other_parameters_are_ignored(running: "RunningService", query: str) -> None:
    check(running.store(instance(78), path=f"/studies{query}"), 78, XML)


@pytest.mark.parametrize("media_type", [XML, JSON])
def test_row_079_multipart_of_a_type_is_answered_as_that_type(
    running: "RunningService", media_type: str
) -> None:
    accept = f'multipart/related; type="{media_type}"'
    check(running.store(instance(79), Accept=accept), 79, media_type)


def test_row_080_accept_charset_is_ignored(running: "RunningService") -> None:
    answer = running.store(instance(80), Accept_Charset="iso-8859-1")
    check(answer, 80, XML)
    assert answer.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')


STUDY = "studies/{StudyInstanceUID}"
SERIES = f"{STUDY}/series/{{SeriesInstanceUID}}"
INSTANCE = f"{SERIES}/instances/{{SOPInstanceUID}}"
CAPABILITIES = [
    ("studies", {"POST"}),
    (STUDY, {"POST", "GET"}),
    (f"{STUDY}/instances", {"GET"}),
    (f"{STUDY}/series", {"GET"}),
    (SERIES, {"GET"}),
    (f"{SERIES}/instances", {"GET"}),
    (INSTANCE, {"GET"}),
    (f"{INSTANCE}/metadata", {"GET"}),
]


@pytest.mark.parametrize(
    ("path", "paths"),
    [
        ("/", [path for path, _ in CAPABILITIES]),
        ("/studies", ["studies"]),
        ("/studies/1.2.3", ["studies/{StudyInstanceUID}"]),
    ],
)
def test_row_121_capabilities(running: "RunningService", path: str, paths: list[str]) -> None:
    answer = running.send("OPTIONS", path, Accept="application/vnd.sun.wadl+xml")
    assert answer.status == 200
    assert answer.media_type == "application/vnd.sun.wadl+xml"
    resources = ET.fromstring(answer.body).findall(f"{WADL}resources/{WADL}resource")
    assert [resource.attrib["path"] for resource in resources] == paths
    for resource in resources:
        methods = {method.attrib["name"] for method in resource.findall(f"{WADL}method")}
        assert methods == dict(CAPABILITIES)[resource.attrib["path"]]
    of_study = "OPTIONS, POST, GET, HEAD"
    allow = {"/": "OPTIONS", "/studies": "OPTIONS, POST"}.get(path, of_study)
    assert answer.headers["Allow"] == allow
    as_json = running.send("OPTIONS", path, Accept="application/json")
    assert as_json.media_type == "application/json"
    assert [resource["path"] for resource in json.loads(as_json.body)["resources"]] == paths


def test_row_122_a_warning_makes_it_202() -> None:
    stored = Stored(
        reference=SOPReference(sop_class_uid="1.2", sop_instance_uid="1.3"),
        study_instance_uid="1.4",
        series_instance_uid="1.5",
        warning=WarningReason.COERCION_OF_DATA_ELEMENTS,
    )
    module = responsemodule.encode(responsemodule.store_instances_response([stored], ""), DICOM_XML)
    assert status_of([stored]) == 202
    (item,) = from_xml(ET.fromstring(module))["00081199"]
    assert item["00081196"] == ["45056"]


def test_row_123_an_empty_retrieve_url_in_json_has_no_value(running: "RunningService") -> None:
    answer = running.store(instance(123), instance(9123), Accept=JSON)
    assert answer.status == 200
    assert json.loads(answer.body)["00081190"] == {"vr": "UR"}


def test_row_124_json_is_ordered_by_tag_and_has_numbers(running: "RunningService") -> None:
    body = running.store(instance(124), b"garbage", instance(124, Rows=9), Accept=JSON).body
    pairs: list[tuple[str, Any]] = []

    def in_order(found: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in found]
        if "vr" not in names:
            assert names == sorted(names)
            assert all(re.fullmatch("[0-9A-F]{8}", name) for name in names)
            pairs.extend(found)
        return dict(found)

    json.loads(body, object_pairs_hook=in_order)
    reasons = [value["Value"][0] for name, value in pairs if name == "00081197"]
    assert sorted(reasons) == [0xC000, 0xC000]
    assert all(isinstance(reason, int) for reason in reasons)


def test_row_125_an_empty_element_in_xml_has_no_value(running: "RunningService") -> None:
    answer = running.store(instance(125), instance(9125), Accept=XML)
    assert b'<DicomAttribute tag="00081190" vr="UR" keyword="RetrieveURL"/>' in answer.body
    assert b"<Value/>" not in answer.body
    assert running.objects(study_uid(125))

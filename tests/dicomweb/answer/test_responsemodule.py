import json
from collections.abc import Sequence
from typing import Any

import pydicom
import pytest
from dicomweb_client.web import _load_xml_dataset
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from pydicom.dataset import Dataset

from dicomweb.answer import jsonmodel, nativemodel, responsemodule
from dicomweb.conformance import StorageProfile
from dicomweb.envelope.mediatypes import DICOM_JSON, DICOM_XML
from dicomweb.envelope.multipart import BodyPart
from dicomweb.instances import receive
from dicomweb.outcomes import Failed, Outcome, SOPReference, Stored
from dicomweb.payloads import candidates
from dicomweb.reasons import FailureReason, WarningReason
from tests import builders

BASE = "https://pacs.example/dicom-web"
NAMESPACE = f"{{{nativemodel.NAMESPACE}}}"


def stored(number: int = 1, study: int = 1, warning: WarningReason | None = None) -> Stored:
    return Stored(
        reference=SOPReference(sop_class_uid="1.2.3", sop_instance_uid=f"1.2.4.{number}"),
        study_instance_uid=f"1.2.5.{study}",
        series_instance_uid="1.2.6",
        warning=warning,
    )


def failed(reason: FailureReason, number: int | None = None) -> Failed:
    reference = SOPReference(sop_class_uid="1.2.3", sop_instance_uid=f"1.2.4.{number}")
    return Failed(reason=reason, text="planted", reference=reference if number else None)


def as_json(outcomes: Sequence[Outcome], base: str = BASE) -> dict[str, Any]:
    decoded = json.loads(
        responsemodule.encode(responsemodule.store_instances_response(outcomes, base), DICOM_JSON)
    )
    assert isinstance(decoded, dict)
    return decoded


def root_of(xml: str) -> etree._Element:
    return etree.fromstring(xml.encode())


def load_xml(xml: str) -> Dataset:
    return _load_xml_dataset(root_of(xml))  # type: ignore[arg-type] # lxml's are alike


def test_a_stored_instance_is_referenced_and_nothing_has_failed() -> None:
    assert as_json([stored()]) == {
        "00081190": {"vr": "UR", "Value": [f"{BASE}/studies/1.2.5.1"]},
        "00081199": {
            "vr": "SQ",
            "Value": [
                {
                    "00081150": {"vr": "UI", "Value": ["1.2.3"]},
                    "00081155": {"vr": "UI", "Value": ["1.2.4.1"]},
                    "00081190": {
                        "vr": "UR",
                        "Value": [f"{BASE}/studies/1.2.5.1/series/1.2.6/instances/1.2.4.1"],
                    },
                }
            ],
        },
    }


def test_failures_are_named_if_they_can_and_have_their_reason_in_decimal() -> None:
    outcomes = [
        failed(FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED, 7),
        failed(FailureReason.CANNOT_UNDERSTAND),
    ]

    assert as_json(outcomes) == {
        "00081190": {"vr": "UR"},
        "00081198": {
            "vr": "SQ",
            "Value": [
                {
                    "00081150": {"vr": "UI", "Value": ["1.2.3"]},
                    "00081155": {"vr": "UI", "Value": ["1.2.4.7"]},
                    "00081197": {"vr": "US", "Value": [49442]},
                }
            ],
        },
        "0008119A": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [49152]}}]},
    }


def test_a_warning_is_in_the_item_of_its_instance() -> None:
    items = as_json([stored(1), stored(2, warning=WarningReason.ELEMENTS_DISCARDED)])["00081199"]

    assert "00081196" not in items["Value"][0]
    assert items["Value"][1]["00081196"] == {"vr": "US", "Value": [0xB006]}


@pytest.mark.parametrize(
    ("outcomes", "base", "url"),
    [
        ([stored(1), stored(2)], BASE, f"{BASE}/studies/1.2.5.1"),
        ([stored(1), failed(FailureReason.CANNOT_UNDERSTAND)], BASE, f"{BASE}/studies/1.2.5.1"),
        ([stored(1), stored(2, study=2)], BASE, None),
        ([failed(FailureReason.CANNOT_UNDERSTAND)], BASE, None),
        ([stored(1)], "", None),
    ],
)
def test_the_retrieve_url_is_that_of_the_one_study_or_empty(
    outcomes: list[Outcome], base: str, url: str | None
) -> None:
    expected = {"vr": "UR"} if url is None else {"vr": "UR", "Value": [url]}

    assert as_json(outcomes, base)["00081190"] == expected


def test_without_a_base_the_url_of_an_instance_is_there_and_empty() -> None:
    assert as_json([stored()], "")["00081199"]["Value"][0]["00081190"] == {"vr": "UR"}


def test_a_status_report_says_in_words_what_was_wrong() -> None:
    report = responsemodule.status_report("found <nothing> & expected more")

    assert json.loads(responsemodule.encode(report, DICOM_JSON)) == {
        "00081190": {"vr": "UR"},
        "0040A160": {"vr": "UT", "Value": ["found <nothing> & expected more"]},
    }
    assert load_xml(responsemodule.encode(report, DICOM_XML)).TextValue == report[1].values[0]


references = st.builds(
    SOPReference,
    sop_class_uid=st.sampled_from(["1.2.3", "1.2.840.10008.5.1.4.1.1.2"]),
    sop_instance_uid=st.integers(0, 99).map("1.2.{}".format),
)
outcomes = st.lists(
    st.one_of(
        st.builds(
            Stored,
            reference=references,
            study_instance_uid=st.sampled_from(["1.2.5", "1.2.6"]),
            series_instance_uid=st.just("1.2.7"),
            warning=st.one_of(st.none(), st.sampled_from(WarningReason)),
        ),
        st.builds(
            Failed,
            reason=st.sampled_from(FailureReason),
            text=st.text(max_size=5),
            reference=st.one_of(st.none(), references),
        ),
    ),
    max_size=6,
)


@given(outcomes, st.sampled_from(["", BASE]))
def test_json_and_xml_are_the_same_data_set_with_one_item_an_outcome(
    outcomes: list[Outcome], base: str
) -> None:
    module = responsemodule.store_instances_response(outcomes, base)

    from_json = Dataset.from_json(jsonmodel.encode(module))
    from_xml = load_xml(nativemodel.encode(module))

    encoded = json.loads(jsonmodel.encode(module))
    assert json.loads(from_json.to_json()) == encoded
    assert json.loads(from_xml.to_json()) == encoded
    assert len(from_json.get("ReferencedSOPSequence", [])) == sum(
        isinstance(outcome, Stored) for outcome in outcomes
    )
    assert len(from_json.get("FailedSOPSequence", [])) + len(
        from_json.get("OtherFailuresSequence", [])
    ) == sum(isinstance(outcome, Failed) for outcome in outcomes)


def assert_in_order(encoded: dict[str, Any]) -> None:
    """Check what Annex F asks of every object: order, hexadecimal tags, no empty Value."""
    assert list(encoded) == sorted(encoded)
    for tag, attribute in encoded.items():
        assert tag == f"{int(tag, 16):08X}"
        assert attribute["vr"] == pydicom.datadict.dictionary_VR(int(tag, 16))
        assert attribute.get("Value") != []
        for value in attribute.get("Value", []):
            if isinstance(value, dict):
                assert_in_order(value)


@given(outcomes, st.sampled_from(["", BASE]))
def test_json_keys_ascend_and_an_empty_attribute_has_no_value(
    outcomes: list[Outcome], base: str
) -> None:
    assert_in_order(as_json(outcomes, base))


@given(outcomes, st.sampled_from(["", BASE]))
def test_every_xml_element_has_keyword_and_vr_and_no_empty_value(
    outcomes: list[Outcome], base: str
) -> None:
    root = root_of(nativemodel.encode(responsemodule.store_instances_response(outcomes, base)))

    assert root.tag == f"{NAMESPACE}NativeDicomModel"
    assert root.get("{http://www.w3.org/XML/1998/namespace}space") == "preserve"
    for attribute in root.iter(f"{NAMESPACE}DicomAttribute"):
        tag = int(attribute.get("tag", ""), 16)
        assert attribute.get("keyword") == pydicom.datadict.keyword_for_tag(tag)
        assert attribute.get("vr") == pydicom.datadict.dictionary_VR(tag)
        assert [child.get("number") for child in attribute] == [
            str(number) for number in range(1, len(attribute) + 1)
        ]
    assert all(value.text for value in root.iter(f"{NAMESPACE}Value"))


def test_xml_says_that_it_is_in_utf_8() -> None:
    xml = nativemodel.encode(responsemodule.status_report("\u738b"))

    assert xml.startswith('<?xml version="1.0" encoding="UTF-8"?><NativeDicomModel ')
    assert load_xml(xml).TextValue == "\u738b"


uid_bytes = st.one_of(
    st.binary(min_size=1, max_size=20),
    st.sampled_from([b"<a>&\"']]>", b"\0\1", b"\x1b", b"\x7f\x80", b"1.2\n3", b"\xef\xbf\xbe"]),
)


@given(uid_bytes, uid_bytes)
def test_whatever_stands_for_a_uid_the_answer_can_be_read(
    sop_class: bytes, sop_instance: bytes
) -> None:
    content = builders.instance()[: -len(builders.sop_uid())]
    for uid, value in ((b"1.2.840.10008.5.1.4.1.1.2\0", sop_class), (b"", sop_instance)):
        found = uid or builders.sop_uid().encode()
        content = content.replace(found, value[: len(found)].ljust(len(found), b"\0"))
    part = BodyPart(number=1, headers={}, content=memoryview(content))
    [candidate] = candidates("application/dicom", [part], url="", study_instance_uid=None)
    outcome = receive(candidate, study_instance_uid=None, profile=StorageProfile.CONFORMANCE)
    assert isinstance(outcome, Failed)
    module = responsemodule.store_instances_response([outcome], BASE)

    assert root_of(responsemodule.encode(module, DICOM_XML)) is not None
    assert json.loads(responsemodule.encode(module, DICOM_JSON))

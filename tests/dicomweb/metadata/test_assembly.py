"""Instances of metadata and bulk data, as bytes and as reasons why not."""

import io
import json
import re
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from PIL import Image
from pydicom import DataElement, Dataset, dcmread

from dicomweb.conformance import StorageProfile
from dicomweb.errors import MalformedRequest
from dicomweb.instances import SOPInstance, receive
from dicomweb.metadata import assembly
from dicomweb.outcomes import Failed
from dicomweb.payloads import candidates, read_parts
from dicomweb.reasons import FailureReason
from tests import models
from tests.builders import BOUNDARY, data_set, multipart, part, sop_uid, study_uid
from tests.split_bulk_data import JSON, XML, bulk, content_type, metadata

Model = dict[str, Any]

PIXELS = bytes(range(32))
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
DOCUMENT = "1.2.840.10008.5.1.4.1.1.104.1"
RAW = "1.2.840.10008.5.1.4.1.1.66"


def outcomes(
    *parts: bytes, media_type: str = JSON, target: str | None = None
) -> list[SOPInstance | Failed]:
    root_type, read = read_parts(content_type(media_type), multipart(*parts))
    offered = candidates(
        root_type, read, url="https://host/base/studies", study_instance_uid=target
    )
    profile = StorageProfile.ANY_STORAGE
    return [receive(one, study_instance_uid=target, profile=profile) for one in offered]


def stored(*parts: bytes, media_type: str = JSON, target: str | None = None) -> Dataset:
    [outcome] = outcomes(*parts, media_type=media_type, target=target)
    assert isinstance(outcome, SOPInstance), outcome
    return dcmread(io.BytesIO(outcome.content))


def refused(*parts: bytes) -> tuple[FailureReason, str]:
    """Return why the only instance fails, which must be named."""
    [outcome] = outcomes(*parts)
    assert isinstance(outcome, Failed)
    assert outcome.reference
    return outcome.reason, outcome.text


def model(uri: str | None = "pixels", **attributes: object) -> Model:
    known: Model = attributes
    made: Model = data_set(PixelData=None, **known).to_json_dict()
    if uri:
        made["7FE00010"] = {"vr": "OW", "BulkDataURI": uri}
    return made


def described(**attributes: object) -> Model:
    """Return an image that says nothing of its pixels but ``attributes``."""
    known: Model = dict.fromkeys(models.IMAGE_PIXEL_MACRO)
    return model(SOPClassUID=SECONDARY_CAPTURE, **{**known, **attributes})


def other(**attributes: object) -> Model:
    """Return an instance without pixel data, with attributes in the JSON Model by tag."""
    made = model(None, SOPClassUID=RAW, BitsAllocated=None)
    return {**made, **{tag.removeprefix("x"): value for tag, value in attributes.items()}}


def test_the_same_request_makes_the_same_bytes() -> None:
    parts = (metadata([model()]), bulk(PIXELS, "pixels"))
    [[first], [second]] = outcomes(*parts), outcomes(*parts)
    assert isinstance(first, SOPInstance)
    assert isinstance(second, SOPInstance)
    assert first.content == second.content


def test_a_missing_study_instance_uid_is_that_of_the_target() -> None:
    sent = model()
    del sent["0020000D"]
    parts = (metadata([sent]), bulk(PIXELS, "pixels"))
    assert stored(*parts, target="1.2.3").StudyInstanceUID == "1.2.3"
    assert refused(*parts)[0] == FailureReason.MISSING_ATTRIBUTE


def test_an_empty_one_is_as_well() -> None:
    sent = model() | {"0020000D": {"vr": "UI"}}
    parts = (metadata([sent]), bulk(PIXELS, "pixels"))
    assert stored(*parts, target="1.2.3").StudyInstanceUID == "1.2.3"


def test_an_instance_of_another_study_than_the_target_is_refused() -> None:
    [outcome] = outcomes(metadata([model()]), bulk(PIXELS, "pixels"), target="1.2.3")
    assert isinstance(outcome, Failed)
    assert outcome.reason == FailureReason.STUDY_INSTANCE_UID_MISMATCH


def test_other_missing_uids_are_refused() -> None:
    sent = model()
    del sent["00080018"]
    [outcome] = outcomes(metadata([sent]), bulk(PIXELS, "pixels"))
    assert isinstance(outcome, Failed)
    assert outcome.reason == FailureReason.MISSING_ATTRIBUTE
    assert outcome.reference is None


def test_uids_of_vr_un_name_the_instance() -> None:
    uid = b64encode(sop_uid().encode() + b"\0").decode()
    sent = model() | {"00080018": {"vr": "UN", "InlineBinary": uid}}
    found = stored(metadata([sent]), bulk(PIXELS, "pixels"))
    assert found.file_meta.MediaStorageSOPInstanceUID == sop_uid()


def test_metadata_that_is_no_instance_fails_for_itself() -> None:
    bad = {"00280010": {"vr": "US", "Value": [70000]}}
    found = outcomes(metadata([bad, model()]), bulk(PIXELS, "pixels"), bulk(b"", "unknown"))
    assert [isinstance(one, SOPInstance) for one in found] == [False, True]
    [failure, _] = found
    assert isinstance(failure, Failed)
    assert failure.text.startswith("part 1, instance 1: (0028,0010)")


def test_xml_that_is_no_instance_fails_for_itself() -> None:
    bad = str(models.document(models.attribute("00280010", "US", "x")), "utf-8")
    [failure] = outcomes(metadata(bad, XML), media_type=XML)
    assert isinstance(failure, Failed)
    assert failure.reason == FailureReason.CANNOT_UNDERSTAND


def test_a_request_without_metadata_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="no part of type application/dicom"):
        outcomes(bulk(PIXELS, "pixels"))


def test_more_instances_than_can_be_answered_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "MAX_PARTS", 2)
    with pytest.raises(MalformedRequest, match="found 3 instances, expected at most 2"):
        outcomes(metadata([model(None)] * 2), metadata(model(None)))


def test_metadata_in_base64_is_refused() -> None:
    coded = part(b"W10=", Content_Type=JSON, Content_Transfer_Encoding="base64")
    [failure] = outcomes(coded)
    assert isinstance(failure, Failed)
    assert failure.reason == FailureReason.CANNOT_UNDERSTAND


@pytest.mark.parametrize("alias", ["application/json", "", "application/dicom+json; charset=utf-8"])
def test_metadata_is_told_by_its_type_or_by_having_none(alias: str) -> None:
    sent = metadata([model()])[len(b"Content-Type: application/dicom+json\r\n") :]
    named = f"Content-Type: {alias}\r\n".encode() if alias else b""
    assert stored(named + sent, bulk(PIXELS, "pixels")).PixelData == PIXELS


def test_a_legacy_type_of_the_request_is_understood() -> None:
    sent = metadata([model()], "application/json")
    found = stored(sent, bulk(PIXELS, "pixels"), media_type="application/json")
    assert found.PixelData == PIXELS


def test_xml_with_a_location_is_bulk_data() -> None:
    cda = data_set(PixelData=None, BitsAllocated=None, SOPClassUID="1.2.840.10008.5.1.4.1.1.104.2")
    end = "</NativeDicomModel>"
    reference = '<DicomAttribute tag="00420011" vr="OB"><BulkData uri="cda"/></DicomAttribute>'
    document = str(models.native_xml(cda), "utf-8").replace(end, reference + end)
    found = stored(metadata(document, XML), bulk(b"<x/>", "cda", "text/xml"), media_type=XML)
    assert found.EncapsulatedDocument == b"<x/>"
    assert found.MIMETypeOfEncapsulatedDocument == "text/xml"


@pytest.mark.parametrize(
    "extra",
    [
        part(b"x", Content_Type="not a type"),
        part(b"x", Content_Type="", Content_Location="there"),
        part(b"x", Content_Type="application/dicom"),
    ],
)
def test_whatever_else_is_sent_is_bulk_data_that_nothing_refers_to(extra: bytes) -> None:
    [_, failure] = outcomes(metadata([other()]), extra)
    assert isinstance(failure, Failed)
    assert failure.text.startswith("part 2: found bulk data that no metadata")


def test_bulk_data_that_is_not_there_is_missing() -> None:
    reason, text = refused(metadata([model()]))
    assert reason == FailureReason.MISSING_BULK_DATA
    assert "Content-Location equals that URI" in text


def test_pixel_data_may_be_in_the_metadata() -> None:
    sent = metadata([data_set().to_json_dict()])
    assert stored(sent) == data_set()


def test_several_parts_for_one_value_are_refused() -> None:
    sent = other(x00420011={"vr": "OB", "BulkDataURI": "here"})
    parts = (bulk(b"ab", "here"), bulk(b"cd", "here"))
    reason, text = refused(metadata([sent]), *parts)
    assert reason == FailureReason.CANNOT_UNDERSTAND
    assert "only pixel data has frames" in text


def test_what_instances_share_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "MAX_BYTES", 40)
    sent = [model(), model(SOPInstanceUID=sop_uid(number=2))]
    first, second = outcomes(metadata(sent), bulk(PIXELS, "pixels"))
    assert isinstance(first, SOPInstance)
    assert isinstance(second, Failed)
    assert second.reason == FailureReason.OUT_OF_RESOURCES


def test_pixels_that_are_unfolded_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "MAX_BYTES", 1000)
    png = _png("L", 100)
    assert len(png) < 1000
    reason, _ = refused(metadata([described()]), bulk(png, "pixels", "image/png"))
    assert reason == FailureReason.OUT_OF_RESOURCES


def _png(mode: str, size: int) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (size, size)).save(stream, "PNG")
    return stream.getvalue()


@given(models.data_sets)
def test_any_data_set_survives_json(made: Dataset) -> None:
    original = identified(made)
    try:
        written = json.dumps(original.to_json_dict())
    except IndexError:  # pydicom does not write an empty name among several
        reject()
    # pydicom writes infinity bare, which is no JSON.
    text = re.sub(r"(?<=[\[ ])-?Infinity(?=[],])", r'"\g<0>"', written)
    found = stored(metadata(text))
    assert models.differences(padded(original), found) == set()


@given(models.data_sets)
def test_any_data_set_survives_xml(made: Dataset) -> None:
    original = identified(made)
    text = str(models.native_xml(original), "utf-8")
    found = stored(metadata(text, XML), media_type=XML)
    assert models.differences(padded(original), found) == set()


def identified(made: Dataset) -> Dataset:
    made.SOPClassUID, made.SOPInstanceUID = RAW, sop_uid()
    made.StudyInstanceUID, made.SeriesInstanceUID = study_uid(), study_uid(2)
    return made


def padded(made: Dataset) -> Dataset:
    """Return the data set with values of an even length, which is all that is to change."""

    def pad(_: Dataset, element: DataElement) -> None:
        if element.VR in ("OB", "UN") and len(element.value or b"") % 2:
            element.value += b"\0"

    made.walk(pad)
    return made


@given(st.binary(max_size=400), st.binary(max_size=400), st.sampled_from([XML, JSON]))
def test_any_bytes_have_an_outcome_or_are_malformed(
    document: bytes, content: bytes, media_type: str
) -> None:
    payload = multipart(part(document, Content_Type=media_type), bulk(content, "pixels"))
    try:
        root_type, parts = read_parts(content_type(media_type, BOUNDARY), payload)
        offered = candidates(root_type, parts, url="https://host", study_instance_uid=None)
    except MalformedRequest:
        return
    for one in offered:
        receive(one, study_instance_uid=None, profile=StorageProfile.ANY_STORAGE)


@given(
    st.binary(max_size=200),
    st.sampled_from(
        ["application/octet-stream", "image/jpeg", "image/png", "video/mp4", "image/dicom-rle"]
    ),
    st.sampled_from(["OB", "OW", "UN", "US", "FL", "UT", "DS", "IS", "UC", "SV"]),
    st.sampled_from(["7FE00010", "00420011", "00281201", "00091001"]),
)
def test_any_bulk_data_has_an_outcome(content: bytes, media_type: str, vr: str, tag: str) -> None:
    sent = described() | {tag: {"vr": vr, "BulkDataURI": "here"}}
    del sent["7FE00010"]
    sent[tag] = {"vr": vr, "BulkDataURI": "here"}
    [outcome] = outcomes(metadata([sent]), bulk(content, "here", media_type))
    if isinstance(outcome, Failed):
        assert outcome.reason != FailureReason.PROCESSING_FAILURE

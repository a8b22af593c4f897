"""Instances of metadata and bulk data, as bytes and as reasons why not."""

import io
import json
import re
from base64 import b64encode
from struct import pack
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from PIL import Image
from pydicom import DataElement, Dataset, dcmread

from dicomweb.conformance import StorageProfile
from dicomweb.errors import MalformedRequest
from dicomweb.instances import SOPInstance, receive
from dicomweb.metadata import assembly, budget
from dicomweb.outcomes import Failed
from dicomweb.payloads import candidates, read_parts
from dicomweb.reasons import FailureReason
from tests import models
from tests.builders import BOUNDARY, data_set, multipart, part, sop_uid, study_uid
from tests.dicomweb.codestreams.bitstreams import file, jpeg, jpeg_2000, segment
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
    monkeypatch.setattr(budget, "MAX_BYTES", len(PIXELS) + 512)
    sent = [model(), model(SOPInstanceUID=sop_uid(number=2))]
    first, second = outcomes(metadata(sent), bulk(PIXELS, "pixels"))
    assert isinstance(first, SOPInstance)
    assert isinstance(second, Failed)
    assert second.reason == FailureReason.OUT_OF_RESOURCES


def test_pixels_that_are_unfolded_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_BYTES", 1000 + 512)
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


def test_a_document_that_is_none_fails_for_itself() -> None:
    first, second = outcomes(metadata("{"), metadata([other()]))
    assert isinstance(first, Failed)
    assert first.text == "part 1: found invalid JSON at character 1"
    assert (first.reference, first.final) == (None, True)
    assert isinstance(second, SOPInstance)


def test_an_instance_that_cannot_be_read_is_named() -> None:
    reason, text = refused(metadata([other(x00280010={"vr": "US", "Value": [70000]})]))
    assert reason == FailureReason.CANNOT_UNDERSTAND
    assert text.startswith("part 1, instance 1: (0028,0010)")


@pytest.mark.parametrize("name", ["x", "urn:uuid:x", "URN:UUID:X"])
@pytest.mark.parametrize("location", ["x", "urn:uuid:x", "URN:UUID:x"])
def test_a_uuid_is_matched_with_its_scheme_and_without(name: str, location: str) -> None:
    if name == "URN:UUID:X" and location == "x":
        return
    identified_by = str(models.native_xml(identified(Dataset())), "utf-8")
    reference = f'<DicomAttribute tag="00282000" vr="OB"><BulkData uuid="{name}"/></DicomAttribute>'
    text = identified_by.replace("</NativeDicomModel>", reference + "</NativeDicomModel>")
    found = stored(metadata(text, XML), bulk(b"icc!", location), media_type=XML)
    assert found.ICCProfile == b"icc!"


JPEG_LOSSLESS, RLE = "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.5"
CODINGS = {
    "image/jpeg": ["lossless.jpg"],
    "image/jls": ["lossless.jls"],
    "image/jp2": ["reversible.j2k"],
    "image/jphc": ["reversible.jhc", "rpcl.jhc"],
    "image/jxl": ["lossless.jxl"],
}
GREY = {
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "Rows": 48,
    "Columns": 64,
    "PixelRepresentation": 0,
}


@pytest.mark.parametrize(
    ("media_type", "name"), [(kind, name) for kind, names in CODINGS.items() for name in names]
)
@pytest.mark.parametrize(
    ("allocated", "bits", "high"), [(16, 12, 11), (16, 16, 15), (8, 8, 7), (1, 1, 0), (16, 10, 15)]
)
def test_the_bits_that_the_sender_states_are_kept_whatever_the_precision(
    media_type: str, name: str, allocated: int, bits: int, high: int
) -> None:
    said = GREY | {"BitsAllocated": allocated, "BitsStored": bits, "HighBit": high}
    parts = metadata([described(**said)]), bulk(file(name), "pixels", media_type)
    found = stored(*parts)
    assert {keyword: found[keyword].value for keyword in said} == said


@pytest.mark.parametrize(
    ("media_type", "name"), [(kind, name) for kind, names in CODINGS.items() for name in names]
)
@pytest.mark.parametrize(
    "wrong",
    [{"Rows": 47}, {"Columns": 65}, {"SamplesPerPixel": 3}, {"BitsStored": 17}, {"HighBit": 16}],
)
def test_what_contradicts_the_picture_or_does_not_fit_is_refused(
    media_type: str, name: str, wrong: dict[str, int]
) -> None:
    said = GREY | {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11} | wrong
    parts = metadata([described(**said)]), bulk(file(name), "pixels", media_type)
    assert refused(*parts)[0] == FailureReason.DATA_SET_DOES_NOT_MATCH_SOP_CLASS


def test_a_signed_picture_called_unsigned_is_refused() -> None:
    said = GREY | {"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "Rows": 5, "Columns": 7}
    content = jpeg_2000(components=b"\x8f\1\1")
    parts = metadata([described(**said)]), bulk(content, "pixels", "image/jp2")
    assert "PixelRepresentation" in refused(*parts)[1]


@pytest.mark.parametrize(
    ("said", "filled"),
    [
        ({}, (16, 12, 11)),
        ({"BitsAllocated": 8}, (8, 8, 7)),
        ({"BitsAllocated": 32}, (32, 12, 11)),
        ({"BitsStored": 10}, (16, 10, 9)),
        ({"BitsStored": 20}, (24, 20, 19)),
        ({"HighBit": 15}, (16, 12, 15)),
    ],
)
def test_bits_that_are_left_out_go_with_those_that_are_not(
    said: dict[str, int], filled: tuple[int, int, int]
) -> None:
    parts = metadata([described(**said)]), bulk(file("lossless.jpg"), "pixels", "image/jpeg")
    found = stored(*parts)
    assert (found.BitsAllocated, found.BitsStored, found.HighBit) == filled


@pytest.mark.parametrize(
    ("bits", "samples", "segments"), [(1, 1, 1), (8, 3, 3), (12, 1, 2), (16, 1, 2)]
)
def test_rle_has_a_segment_for_each_byte_of_a_sample(
    bits: int, samples: int, segments: int
) -> None:
    said = GREY | {"BitsAllocated": bits, "BitsStored": bits, "HighBit": bits - 1}
    said |= {"SamplesPerPixel": samples, "PlanarConfiguration": 0}
    if samples == 3:
        said["PhotometricInterpretation"] = "RGB"
    content = pack("<16I", segments, *(64 + 2 * n for n in range(segments)), *[0] * (15 - segments))
    parts = (
        metadata([described(**said)]),
        bulk(content + bytes(2 * segments), "pixels", "image/dicom-rle"),
    )
    assert stored(*parts).BitsAllocated == bits
    said["BitsAllocated"] = 40
    parts = (
        metadata([described(**said)]),
        bulk(content + bytes(2 * segments), "pixels", "image/dicom-rle"),
    )
    assert refused(*parts)[0] == FailureReason.DATA_SET_DOES_NOT_MATCH_SOP_CLASS


COLOUR = GREY | {
    "SamplesPerPixel": 3,
    "PlanarConfiguration": 0,
    "BitsAllocated": 8,
    "BitsStored": 8,
    "HighBit": 7,
}


def coloured(colour: str, content: bytes, media_type: str, rows: int, columns: int) -> bytes:
    said = COLOUR | {"PhotometricInterpretation": colour, "Rows": rows, "Columns": columns}
    [outcome] = outcomes(metadata([described(**said)]), bulk(content, "pixels", media_type))
    if isinstance(outcome, SOPInstance):
        assert dcmread(io.BytesIO(outcome.content)).PhotometricInterpretation == colour
        return b"stored"
    assert outcome.reason == FailureReason.DATA_SET_DOES_NOT_MATCH_SOP_CLASS
    return b"refused"


@pytest.mark.parametrize(
    ("colour", "result"),
    [
        *((colour, b"stored") for colour in ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422")),
        *((colour, b"refused") for colour in ("YBR_RCT", "YBR_ICT", "MONOCHROME2")),
    ],
)
def test_the_sender_says_the_colour_where_the_bits_do_not(colour: str, result: bytes) -> None:
    three, jfif = b"\1\x11\0\2\x11\0\3\x11\0", segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    for before in ([], [jfif]):
        for process, bits in ((0xC0, 8), (0xC1, 8), (0xC3, 8), (0xF7, 8)):
            content = jpeg(*before, process=process, bits=bits, components=three)
            media_type = "image/jls" if process == 0xF7 else "image/jpeg"
            assert coloured(colour, content, media_type, 3, 5) == result
    untransformed = jpeg_2000(components=b"\7\1\1" * 3, cod=bytes((0, 2, 0, 1, 0, 1, 4, 4, 0, 1)))
    assert coloured(colour, untransformed, "image/jp2", 5, 7) == result


@pytest.mark.parametrize("name", ["reversible.jp2", "irreversible.j2k", "irreversible.jhc"])
@pytest.mark.parametrize("colour", ["RGB", "YBR_FULL", "YBR_RCT", "YBR_ICT"])
def test_a_component_transform_is_said_to_be_there(name: str, colour: str) -> None:
    right = "YBR_RCT" if name == "reversible.jp2" else "YBR_ICT"
    media_type = "image/jphc" if name.endswith("jhc") else "image/jp2"
    result = coloured(colour, file(name), media_type, 48, 64)
    assert result == (b"stored" if colour == right else b"refused")


def test_rle_has_no_component_transform() -> None:
    content = pack("<16I", 3, 64, 66, 68, *[0] * 12) + bytes(6)
    assert coloured("RGB", content, "image/dicom-rle", 48, 64) == b"stored"
    assert coloured("YBR_RCT", content, "image/dicom-rle", 48, 64) == b"refused"


@pytest.mark.parametrize("allocated", [8, 16])
def test_decoded_pixels_have_the_bits_that_they_have(allocated: int) -> None:
    said = GREY | {
        "Rows": 4,
        "Columns": 4,
        "BitsAllocated": allocated,
        "BitsStored": 8,
        "HighBit": 7,
    }
    parts = metadata([described(**said)]), bulk(_png("L", 4), "pixels", "image/png")
    if allocated == 8:
        assert stored(*parts).PixelData == bytes(16)
    else:
        assert refused(*parts)[0] == FailureReason.DATA_SET_DOES_NOT_MATCH_SOP_CLASS


def test_uids_of_other_letters_are_no_uids() -> None:
    [outcome] = outcomes(metadata([other(x00080018={"vr": "UI", "Value": ["\u4e2d\u6587"]})]))
    assert isinstance(outcome, Failed)
    assert outcome.reason == FailureReason.INVALID_OBJECT_INSTANCE

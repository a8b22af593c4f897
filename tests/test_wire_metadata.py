"""Metadata and bulk data as real clients sent them, replayed over a socket.

What is stored is compared attribute by attribute with what the metadata says, as the standard
library reads it, and what was to be derived from the bits with what is known of them.
"""

import json
from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.datadict import tag_for_keyword
from pydicom.encaps import generate_frames

from tests import models
from tests.test_wire import captured

if TYPE_CHECKING:
    from tests.answers import Answer
    from tests.service import RunningService, Start

JP2 = {
    "SamplesPerPixel": 3,
    "PhotometricInterpretation": "RGB",
    "PlanarConfiguration": 0,
    "Rows": 16,
    "Columns": 16,
    "BitsAllocated": 8,
    "BitsStored": 8,
    "HighBit": 7,
    "PixelRepresentation": 0,
}
JPEG = JP2 | {
    "PhotometricInterpretation": "YBR_FULL_422",
    "LossyImageCompression": "01",
    "LossyImageCompressionMethod": "ISO_10918_1",
    "LossyImageCompressionRatio": 1.21,
}
PNG = JP2 | {"Rows": 4, "Columns": 4}
BASELINE, JPEG_2000 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90"
EXPLICIT = "1.2.840.10008.1.2.1"

Parts = list[tuple[Mapping[str, str], memoryview]]


@pytest.fixture
def empty(service: "Start") -> "RunningService":
    running = service()
    running.clear()
    return running


def stored(running: "RunningService", answer: "Answer") -> list[Dataset]:
    """Return what is stored, in the order of the answer."""
    files = [dcmread(BytesIO(running._content(key))) for key in running._keys("")]
    by_uid = {found.SOPInstanceUID: found for found in files}
    assert by_uid.keys() == set(answer.stored)
    return [by_uid[uid] for uid in answer.stored]


def sent(content: memoryview) -> list[dict[str, list[Any]]]:
    """Return the values that each instance of a part states, without its bulk data."""
    if bytes(content[:1]) == b"[":
        return [
            {
                tag: [_flat(value) for value in attribute.get("Value", [])]
                for tag, attribute in instance.items()
                if "BulkDataURI" not in attribute
            }
            for instance in json.loads(bytes(content))
        ]
    return [
        {
            attribute.attrib["tag"]: ["".join(value.itertext()) for value in attribute]
            for attribute in ET.fromstring(bytes(content))
            if attribute.find("BulkData") is None
        }
    ]


def _flat(value: Any) -> str:  # noqa: ANN401 - whatever JSON has
    return value["Alphabetic"].replace("^", "") if isinstance(value, dict) else str(value)


def kept(data_set: Dataset, derived: Mapping[str, object]) -> dict[str, list[str]]:
    """Return the values of a data set, without bulk data and what was derived."""
    return {
        f"{element.tag:08X}": _values(element.value)
        for element in data_set
        if element.VR != "OB" and element.keyword not in derived
    }


def _values(value: Any) -> list[str]:  # noqa: ANN401 - whatever an element has
    if value in (None, "") or value == []:
        return []
    return [str(value).replace("^", "")]


def check(data_set: Dataset, said: dict[str, list[Any]], derived: Mapping[str, object]) -> None:
    beside = {
        keyword: value
        for keyword, value in derived.items()
        if f"{tag_for_keyword(keyword):08X}" not in said
    }
    assert kept(data_set, beside) == said
    assert {keyword: data_set[keyword].value for keyword in derived} == derived


@pytest.mark.parametrize("name", ["dcm4che-jpg-xml-1", "dcm4che-jpg2-xml-1", "dcm4che-jpg2-json-1"])
def test_jpeg_images_of_dcm4che_are_stored_with_what_the_bits_say(
    empty: "RunningService", name: str
) -> None:
    parts = models.wire_parts(name)
    answer = empty.raw(captured(name))
    assert answer.status == 200
    said = [
        one for headers, content in parts if "dicom" in type_of(headers) for one in sent(content)
    ]
    found = stored(empty, answer)
    assert len(found) == len(said)
    frames = sorted(
        bytes(content) for headers, content in parts if type_of(headers) == "image/jpeg"
    )
    for data_set, one in zip(found, said, strict=True):
        assert data_set.file_meta.TransferSyntaxUID == BASELINE
        check(data_set, one, JPEG)
    assert sorted(frame(data_set) for data_set in found) == [even(one) for one in frames]


def type_of(headers: Mapping[str, str]) -> str:
    return headers["content-type"].split(";")[0]


def even(content: bytes) -> bytes:
    return content + b"\0" * (len(content) % 2)


def frame(data_set: Dataset) -> bytes:
    [only] = generate_frames(data_set.PixelData, number_of_frames=1)
    return only


def test_each_jpeg_image_goes_with_the_metadata_that_refers_to_it(empty: "RunningService") -> None:
    name = "dcm4che-jpg2-json-1"
    (_, content), *bulk = models.wire_parts(name)
    by_location = {headers["content-location"]: bytes(found) for headers, found in bulk}
    expected = {
        one["00080018"]["Value"][0]: even(by_location[one["7FE00010"]["BulkDataURI"]])
        for one in json.loads(bytes(content))
    }
    found = stored(empty, empty.raw(captured(name)))
    assert {data_set.SOPInstanceUID: frame(data_set) for data_set in found} == expected


def test_the_pixel_module_and_transfer_syntax_of_dcm4che_are_those_of_the_bits(
    empty: "RunningService",
) -> None:
    name = "dcm4che-jpg-json-ph-tsuid-1"
    (_, content), (_, jpeg) = models.wire_parts(name)
    [data_set] = stored(empty, empty.raw(captured(name)))
    [said] = sent(content)
    assert said["00280010"] == ["16"]
    check(data_set, said, JPEG)
    assert data_set.file_meta.TransferSyntaxUID == BASELINE
    assert frame(data_set) == even(bytes(jpeg))


def test_of_a_jp2_file_the_codestream_is_stored(empty: "RunningService") -> None:
    name = "dcm4che-jp2-xml-1"
    (_, content), (_, jp2) = models.wire_parts(name)
    [data_set] = stored(empty, empty.raw(captured(name)))
    check(data_set, sent(content)[0], JP2)
    assert data_set.file_meta.TransferSyntaxUID == JPEG_2000
    file = bytes(jp2)
    assert frame(data_set) == even(file[file.index(b"\xff\x4f\xff\x51") :])


def test_png_becomes_uncompressed_pixels(empty: "RunningService") -> None:
    name = "dcm4che-png-xml-1"
    (_, content), _ = models.wire_parts(name)
    [data_set] = stored(empty, empty.raw(captured(name)))
    check(data_set, sent(content)[0], PNG)
    assert data_set.file_meta.TransferSyntaxUID == EXPLICIT
    assert data_set.PixelData == bytes(4 * 4 * 3)


def test_pdf_is_padded_and_its_length_is_true(empty: "RunningService") -> None:
    name = "dcm4che-pdf-xml-1"
    (_, content), (_, pdf) = models.wire_parts(name)
    [data_set] = stored(empty, empty.raw(captured(name)))
    check(data_set, sent(content)[0], {"EncapsulatedDocumentLength": len(pdf)})
    assert len(pdf) % 2 == 1
    assert data_set.EncapsulatedDocument == bytes(pdf) + b"\0"
    assert data_set.MIMETypeOfEncapsulatedDocument == "application/pdf"


def test_a_video_that_is_none_is_refused_and_named(empty: "RunningService") -> None:
    answer = empty.raw(captured("dcm4che-mp4-json-1"))
    assert answer.status == 409
    assert [reason for _, reason in answer.failed] == [0xC000]
    assert answer.sequences == {"00081198"}
    assert "found content in another format, expected video/mp4" in answer.warnings[0]
    assert empty.count() == (0, 0)


def test_odils_ct_image_is_the_file_that_it_sent(empty: "RunningService") -> None:
    [found] = stored(empty, empty.raw(captured("odil-xml-1")))
    original = dcmread(str(get_testdata_file("CT_small.dcm")))
    assert models.differences(original, found) == set()
    assert found.PixelData == original.PixelData

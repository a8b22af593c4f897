"""Metadata that has many attributes because the objects that it describes have: it is read."""

import json
from typing import Any

import pytest
from pydicom import Dataset

from dicomweb.metadata import jsonmodel, nativemodel
from dicomweb.metadata.budget import MAX_OBJECT_BYTES, Objects
from dicomweb.metadata.metadata import Metadata

pytestmark = pytest.mark.untraced

Model = dict[str, Any]

MEGABYTE = 1_000_000
LARGEST_POST = 4_700_000


def code(value: str) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, "DCM", f"Meaning {value}"
    return made


def item(**attributes: object) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def enhanced_frame() -> Dataset:
    """Return the functional groups of a frame of an enhanced MR image."""
    source = item(
        ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.4",
        ReferencedSOPInstanceUID="1.2.826.0.1.3680043.8.498.20.3.1234567890123456",
        PurposeOfReferenceCodeSequence=[code("121322")],
    )
    return item(
        DerivationImageSequence=[item(SourceImageSequence=[source])],
        MREchoSequence=[item(EffectiveEchoTime=4.6)],
        MRImageFrameTypeSequence=[
            item(
                FrameType=["ORIGINAL", "PRIMARY", "M", "NONE"],
                PixelPresentation="MONOCHROME",
                VolumetricProperties="VOLUME",
                VolumeBasedCalculationTechnique="NONE",
                ComplexImageComponent="MAGNITUDE",
                AcquisitionContrast="T1",
            )
        ],
        MRAveragesSequence=[item(NumberOfAverages=1.0)],
        FrameContentSequence=[
            item(
                FrameReferenceDateTime="20260101101112.123456",
                FrameAcquisitionDateTime="20260101101112.123456",
                FrameAcquisitionDuration=33.25,
                StackID="1",
                InStackPositionNumber=17,
                TemporalPositionIndex=3,
                DimensionIndexValues=[1, 17, 3],
            )
        ],
        PlanePositionSequence=[item(ImagePositionPatient=[-120.5, -98.25, 21.25])],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        PixelMeasuresSequence=[item(SliceThickness=1.25, PixelSpacing=[0.9375, 0.9375])],
        FrameVOILUTSequence=[item(WindowCenter=400, WindowWidth=800)],
        PixelValueTransformationSequence=[
            item(RescaleIntercept=0, RescaleSlope=1, RescaleType="US")
        ],
    )


def slide_frame() -> Dataset:
    """Return the functional groups of a tile of a whole slide."""
    return item(
        FrameContentSequence=[item(DimensionIndexValues=[17, 31])],
        PlanePositionSlideSequence=[
            item(
                XOffsetInSlideCoordinateSystem=20.5,
                YOffsetInSlideCoordinateSystem=40.5,
                ZOffsetInSlideCoordinateSystem=0,
                ColumnPositionInTotalImagePixelMatrix=4097,
                RowPositionInTotalImagePixelMatrix=7937,
            )
        ],
        OpticalPathIdentificationSequence=[item(OpticalPathIdentifier="1")],
    )


def measurement() -> Dataset:
    """Return a content item of a structured report."""
    measured = item(MeasurementUnitsCodeSequence=[code("mm")], NumericValue=12.5)
    return item(
        RelationshipType="CONTAINS",
        ValueType="NUM",
        ConceptNameCodeSequence=[code("121206")],
        MeasuredValueSequence=[measured],
    )


def as_json(item: Dataset, tag: str, count: int) -> bytes:
    items = [item.to_json_dict()] * count
    return json.dumps([{tag: {"vr": "SQ", "Value": items}}], separators=(",", ":")).encode()


def as_xml(item: Dataset, tag: str, count: int) -> bytes:
    attributes = native(item.to_json_dict())
    items = (f'<Item number="{number}">{attributes}</Item>' for number in range(1, count + 1))
    sequence = f'<DicomAttribute tag="{tag}" vr="SQ">{"".join(items)}</DicomAttribute>'
    return f"<NativeDicomModel>{sequence}</NativeDicomModel>".encode()


def native(model: Model) -> str:
    return "".join(
        f'<DicomAttribute tag="{tag}" vr="{attribute["vr"]}">'
        + "".join(
            f'<Item number="{number}">{native(value)}</Item>'
            if isinstance(value, dict)
            else f'<Value number="{number}">{value}</Value>'
            for number, value in enumerate(attribute["Value"], start=1)
        )
        + "</DicomAttribute>"
        for tag, attribute in model.items()
    )


PER_FRAME, CONTENT = "52009230", "0040A730"
IN_A_POST = [
    pytest.param(enhanced_frame(), PER_FRAME, 2000, id="an enhanced image of 2,000 frames"),
    pytest.param(slide_frame(), PER_FRAME, 8000, id="a slide of 8,000 tiles"),
    pytest.param(measurement(), CONTENT, 6000, id="a report of 6,000 measurements"),
]


@pytest.mark.parametrize(("item", "tag", "count"), IN_A_POST)
def test_dense_json_is_read_in_a_post(item: Dataset, tag: str, count: int) -> None:
    document, objects = memoryview(as_json(item, tag, count)), Objects()
    assert 2 * MEGABYTE < len(document) < LARGEST_POST
    with objects.of(document):
        [read] = jsonmodel.read(document, objects)
    assert isinstance(read, Metadata)
    assert len(read.data_set[int(tag, 16)].value) == count


def test_dense_xml_is_read_in_an_upload() -> None:
    document, objects = memoryview(as_xml(enhanced_frame(), PER_FRAME, 2000)), Objects()
    assert len(document) > LARGEST_POST
    with objects.of(document):
        read = nativemodel.read(document, objects)
    assert len(read.data_set[int(PER_FRAME, 16)].value) == 2000


def test_a_document_that_only_an_upload_can_have_may_take_all_memory_for_objects() -> None:
    for size, most in ((5_000_000, 60_000_000), (5_000_001, MAX_OBJECT_BYTES)):
        objects = Objects()
        with objects.of(memoryview(bytes(size))):
            assert most * 0.9 < objects.left + size <= most

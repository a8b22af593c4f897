"""What is handed to the modules that know about pixel data and documents, and taken back."""

import pytest

from dicomweb.metadata.dataelements import DataSet, Element, Encapsulated
from dicomweb.metadata.datasets import extract, put, restore, uid

PIXEL_DATA = 0x7FE00010


def test_what_describes_pixel_data_has_values_by_keyword() -> None:
    described = extract(
        DataSet(
            {
                0x00100010: Element("PN", "Planted"),
                0x00181065: Element("DS", "1\\2"),
                0x00280008: Element("IS", "14.5"),
                0x00280009: Element("AT", b"\x18\0\x65\x10"),
                0x00280010: Element("US", b"\2\0"),
                0x00280034: Element("IS", ""),
                0x00281101: Element("US", b"\1\0\2\0\3\0"),
                0x00283333: Element("US", b"\1\0"),
                PIXEL_DATA: Element("UN", b"\1"),
            }
        )
    )
    assert (described.NumberOfFrames, described.Rows) == ("14.5", 2)
    assert list(described.RedPaletteColorLookupTableDescriptor) == [1, 2, 3]
    assert (described["PixelData"].VR, described.PixelData) == ("UN", b"\1")
    assert "FrameIncrementPointer" in described
    assert not described.PixelAspectRatio
    assert "PatientName" not in described
    assert 0x00283333 not in described


def test_what_became_different_is_taken_back_and_nothing_else() -> None:
    kept = Element("IS", " 14.5")
    data_set = DataSet({0x00280008: kept, PIXEL_DATA: Element("OW", b"")})
    described = extract(data_set)
    put(described, "Rows", 2)
    put(described, "FrameIncrementPointer", 0x00181065)
    put(described, "FrameTimeVector", ["0", "1.5"])
    described[PIXEL_DATA].value = b"\1\2"
    described[PIXEL_DATA].is_undefined_length = True

    restore(data_set, described)

    assert data_set[0x00280008] is kept
    assert data_set[0x00280010].value == b"\2\0"
    assert data_set[0x00280009].value == b"\x18\0\x65\x10"
    assert data_set[0x00181065].value == "0\\1.5"
    assert isinstance(data_set[PIXEL_DATA], Encapsulated)


def test_pixel_data_that_is_a_sequence_is_handed_over_as_one() -> None:
    described = extract(DataSet({PIXEL_DATA: Element("SQ", [DataSet()])}))
    assert len(described.PixelData) == 1


@pytest.mark.parametrize(
    ("element", "found"),
    [
        (Element("UI", "1.2"), "1.2"),
        (Element("UN", b"1.2\0"), "1.2"),
        (Element("SQ", [DataSet()]), ""),
    ],
)
def test_a_uid_is_text_or_the_bytes_of_vr_un(element: Element, found: str) -> None:
    assert uid(DataSet({0x00080018: element}), 0x00080018) == found
    assert uid(DataSet(), 0x00080018) == ""

"""odil's way to refer to bulk data."""

from dicomweb.envelope.multipart import BodyPart
from dicomweb.metadata.bulkdata import BulkData
from dicomweb.metadata.dataelements import DataSet, Element
from dicomweb.metadata.metadata import Metadata
from dicomweb.metadata.references import references


def made(*tags: int, uri: str = "here") -> DataSet:
    return DataSet({tag: Element("UR", uri) for tag in tags})


def found(data_set: DataSet, *locations: str) -> list[tuple[int, str]]:
    parts = [
        BodyPart(number=1, headers={"content-location": location}, content=memoryview(b""))
        for location in locations
    ]
    refer = references(Metadata(data_set=data_set), BulkData(parts, "https://host"))
    return [(reference.tag, reference.uri) for reference in refer]


def test_a_location_as_a_value_is_bulk_data_of_the_vr_of_the_dictionary() -> None:
    data_set = made(0x7FE00010, 0x00281201, 0x00091001)
    tags = (0x7FE00010, 0x00281201, 0x00091001)
    assert found(data_set, "here") == [(tag, "here") for tag in tags]
    assert [data_set[tag].vr for tag in tags] == ["OW", "OW", "UN"]
    assert not any(data_set[tag].value for tag in tags)


def test_it_is_found_in_items() -> None:
    data_set = DataSet({0x00880200: Element("SQ", [made(0x7FE00010)])})
    assert found(data_set, "here") == [(0x7FE00010, "here")]


def test_another_value_and_an_attribute_that_has_vr_ur_are_left_alone() -> None:
    assert found(made(0x7FE00010), "elsewhere") == []
    assert found(made(0x7FE00010)) == []
    assert found(made(0x00081190), "here") == []

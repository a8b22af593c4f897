"""The data sets that are made of metadata, shown as those of pydicom, and the other way round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from struct import iter_unpack

from pydicom.config import IGNORE
from pydicom.dataelem import DataElement, empty_value_for_VR
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag

from dicomweb.errors import InstanceRejected
from dicomweb.metadata import jsonmodel, nativemodel
from dicomweb.metadata.budget import Objects
from dicomweb.metadata.dataelements import DataSet, Element
from dicomweb.metadata.elements import FORMATS, NUMBER_STRINGS, value_element
from dicomweb.metadata.metadata import Metadata


@dataclass(frozen=True)
class Referred:
    """A reference, whose holder is a Dataset."""

    holder: Dataset
    tag: int
    uri: str


@dataclass(frozen=True)
class Shown:
    """Metadata whose data set is a Dataset."""

    data_set: Dataset
    bulk_data: Sequence[Referred] = ()
    discarded_file_meta: bool = False


def read_json(content: memoryview) -> list[Shown | InstanceRejected]:
    found = jsonmodel.read(content, Objects())
    return [shown(each) if isinstance(each, Metadata) else each for each in found]


def read_xml(content: memoryview) -> Shown:
    return shown(nativemodel.read(content, Objects()))


def shown(metadata: Metadata) -> Shown:
    holders: dict[int, Dataset] = {}
    data_set = as_dataset(metadata.data_set, lambda each, made: holders.update({id(each): made}))
    return Shown(
        data_set=data_set,
        bulk_data=[
            Referred(holders[id(each.holder)], each.tag, each.uri) for each in metadata.bulk_data
        ],
        discarded_file_meta=metadata.discarded_file_meta,
    )


def as_dataset(
    data_set: DataSet, note: Callable[[DataSet, Dataset], object] = lambda _, __: None
) -> Dataset:
    """Return the data set for pydicom; ``note`` is called with it, and for each of its items."""
    made = Dataset()
    note(data_set, made)
    for tag, element in data_set.items():
        value = element.value
        if isinstance(value, list):
            items = Items([as_dataset(item, note) for item in value])
            made[tag] = DataElement(tag, "SQ", items)
        else:
            made[tag] = _element(tag, element.vr, held(element))
    return made


def held(element: Element) -> object:
    """Return the value of an element that is not a sequence as pydicom has it."""
    value = element.value
    if not value:
        return "" if element.vr in NUMBER_STRINGS else empty_value_for_VR(element.vr)
    if isinstance(value, str):
        several = element.vr not in {"LT", "ST", "UT", *NUMBER_STRINGS} and "\\" in value
        return value.split("\\") if several else value
    if element.vr in FORMATS:
        assert isinstance(value, bytes | memoryview)
        numbers = [number for (number,) in iter_unpack(f"<{FORMATS[element.vr]}", value)]
        if element.vr == "AT":
            numbers = [Tag(number & 0xFFFF, number >> 16) for number in numbers]
        return numbers[0] if len(numbers) == 1 else numbers
    assert not isinstance(value, list)
    return bytes(value)


def _element(tag: int, vr: str, value: object) -> DataElement:
    """Return an element: pydicom finds another VR for UN, and no text in DS and IS."""
    as_it_is = {"UN": "OB", "DS": "UT", "IS": "UT"}.get(vr, vr)
    element = DataElement(tag, as_it_is, value, validation_mode=IGNORE)
    element.VR = vr
    return element


def from_dataset(dataset: Dataset) -> DataSet:
    """Return the data set that metadata would have made."""
    return DataSet({int(element.tag): _from_element(element) for element in dataset})


def _from_element(element: DataElement) -> Element:
    value = element.value
    if element.VR == "SQ":
        return Element("SQ", [from_dataset(item) for item in value])
    if isinstance(value, bytes):
        return Element(element.VR, value)
    values = list(value) if isinstance(value, MultiValue | list) else [value]
    if element.VR == "AT":
        values = [each if each is None else f"{each:08X}" for each in values]
    elif element.VR in {"FD", "FL"}:
        values = [each if each is None or isfinite(each) else str(each) for each in values]
    elif element.VR not in FORMATS:
        values = ["" if each is None else str(each) for each in values]
    return value_element(int(element.tag), element.VR, values)

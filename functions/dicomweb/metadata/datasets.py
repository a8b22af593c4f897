"""Get from a data set what its sender said, and put in what the sender left out.

What describes pixel data or a document is handed to the modules that know about these as a
Dataset of pydicom, which has values by keyword. The rest of the data set never becomes one.
"""

from collections.abc import Mapping
from struct import iter_unpack

from pydicom.config import IGNORE
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, empty_value_for_VR
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag

from dicomweb.metadata.dataelements import DataSet, Element, Encapsulated
from dicomweb.metadata.elements import FORMATS, NUMBER_STRINGS, value_element
from dicomweb.part10.file import uid_text
from dicomweb.part10.walker import PIXEL_DATA

ENCAPSULATED_DOCUMENT = 0x00420011

_DESCRIBING = (0x0018, 0x0028, 0x0042, 0x7FE0)
"""The groups of what describes pixel data or a document, and of these."""

_LARGE = (PIXEL_DATA, ENCAPSULATED_DOCUMENT)
_LONGEST_DESCRIPTION = 4096
_UNREAD = frozenset(("AT", "UN"))
"""VRs whose value stays bytes: pydicom would find another VR, or wants tags."""


def sent(data_set: Dataset, *keywords: str) -> Mapping[str, object]:
    """Return the values by keyword, without those that are absent or empty."""
    values = {keyword: data_set.get(keyword) for keyword in keywords}
    return {keyword: value for keyword, value in values.items() if value not in (None, "")}


def uid(data_set: DataSet, tag: int) -> str:
    """Return a UID, or "": of VR UI, or UN, which writers use that do not know the attribute."""
    value = data_set[tag].value if tag in data_set else ""
    if isinstance(value, list):
        return ""
    return value if isinstance(value, str) else uid_text(value)


def put(data_set: Dataset, keyword: str, value: object) -> None:
    """Set an attribute, with its own VR even if the sender gave an empty one another VR."""
    tag = Tag(keyword)
    data_set[tag] = DataElement(tag, dictionary_VR(tag), value, validation_mode=IGNORE)


def extract(data_set: DataSet) -> Dataset:
    """Return a Dataset of pydicom with what describes pixel data or a document, and these.

    Number strings in it are text, because pydicom refuses invalid ones.
    """
    extracted = Dataset()
    for tag, element in data_set.items():
        if tag >> 16 in _DESCRIBING and _is_wanted(tag, element):
            extracted[tag] = _pydicom_element(tag, element)
    return extracted


def restore(data_set: DataSet, extracted: Dataset) -> None:
    """Set those elements of the data set that ``extracted`` has other than it."""
    for element in extracted:
        there = data_set.get(element.tag)
        if there is None or _pydicom_element(element.tag, there) != element:
            data_set[element.tag] = _element(element)


def _is_wanted(tag: int, element: Element) -> bool:
    return tag in _LARGE or (len(element.value) <= _LONGEST_DESCRIPTION and dictionary_has_tag(tag))


def _pydicom_element(tag: int, element: Element) -> DataElement:
    """Return an element of pydicom; one of VR UN keeps that VR."""
    vr, value = element.vr, element.value
    held: object = value
    if not value:
        held = empty_value_for_VR(vr)
    elif isinstance(value, list):
        held = [Dataset()]  # that there are items is enough: nothing here has any
    elif vr in FORMATS and not isinstance(value, str):
        numbers = [number for (number,) in iter_unpack(f"<{FORMATS[vr]}", value)]
        held = numbers[0] if len(numbers) == 1 else numbers
    as_it_is = "UT" if vr in NUMBER_STRINGS else "OB" if vr in _UNREAD else vr
    made = DataElement(tag, as_it_is, held, validation_mode=IGNORE)
    made.VR = vr
    return made


def _element(element: DataElement) -> Element:
    """Return what an element of pydicom holds."""
    vr, value = element.VR, element.value
    if isinstance(value, bytes):
        return Encapsulated(vr, value) if element.is_undefined_length else Element(vr, value)
    values = list(value) if isinstance(value, MultiValue) else [value]
    if vr == "AT":
        values = [f"{value:08X}" for value in values]
    elif vr not in FORMATS:
        values = [str(value) for value in values]
    return value_element(int(element.tag), vr, values)

"""Which elements of an instance are bulk data, and where each is said to be.

Besides the references of the two models there is that of odil: instead of the value it writes VR
UR, with the location of the part as an ordinary value. No attribute of another VR has such a
value, so there is no confusion. The lost VR is taken from the dictionary, or else becomes UN.
"""

from collections.abc import Iterator

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from dicomweb.metadata.bulkdata import BulkData
from dicomweb.metadata.charactersets import walk
from dicomweb.metadata.elements import empty_element
from dicomweb.metadata.metadata import Metadata, Reference


def references(metadata: Metadata, bulk_data: BulkData) -> list[Reference]:
    """Return the references of an instance; each of the elements is there, and empty."""
    found = list(metadata.bulk_data)
    if not bulk_data.parts:
        return found
    return found + list(_by_value(metadata.data_set, bulk_data))


def _by_value(data_set: Dataset, bulk_data: BulkData) -> Iterator[Reference]:
    for holder, _ in list(walk(data_set)):
        for element in holder:
            if element.VR == "UR" and element.value in bulk_data.exact:
                vr = _dictionary_vr(element)
                if vr != "UR":
                    uri = str(element.value)
                    holder[element.tag] = empty_element(element.tag, vr)
                    yield Reference(holder, int(element.tag), uri)


def _dictionary_vr(element: DataElement) -> str:
    """Return the VR in the dictionary; where it offers several, OW is the last one."""
    try:
        return dictionary_VR(element.tag).split(" or ")[-1]
    except KeyError:
        return "UN"

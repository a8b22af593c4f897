"""Which elements of an instance are bulk data, and where each is said to be.

Besides the references of the two models there is that of odil: instead of the value it writes VR
UR, with the location of the part as an ordinary value. No attribute of another VR has such a
value, so there is no confusion. The lost VR is taken from the dictionary, or else becomes UN.
"""

from collections.abc import Iterator

from dicomweb.metadata.bulkdata import BulkData
from dicomweb.metadata.charactersets import walk
from dicomweb.metadata.elements import empty_element
from dicomweb.metadata.metadata import Metadata, Reference
from dicomweb.metadata.representations import known


def references(metadata: Metadata, bulk_data: BulkData) -> list[Reference]:
    """Return the references of an instance; each of the elements is there, and empty."""
    found = list(metadata.bulk_data)
    if not bulk_data.parts:
        return found
    return found + list(_by_value(metadata, bulk_data))


def _by_value(metadata: Metadata, bulk_data: BulkData) -> Iterator[Reference]:
    for holder, _ in walk(metadata.data_set):
        for tag, element in holder.items():
            uri = element.value
            if element.vr == "UR" and isinstance(uri, str) and uri in bulk_data.exact:
                vr = known(tag).split(" or ")[-1]  # of OB or OW, the latter
                if vr != "UR":
                    element.vr, element.value = vr, empty_element(vr).value
                    yield Reference(holder, tag, uri)

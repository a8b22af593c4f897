"""Build the data set of an instance from either model of it (PS3.19 A.1, PS3.18 Annex F).

The Native DICOM Model and the DICOM JSON Model are two notations for the same: attributes, each
with a tag, a VR and at most one of values, items, bulk data and inline binary. A Model reads a
notation; what the attributes mean, and which are refused, is decided here for both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.tag import Tag

from dicomweb.errors import InstanceRejected
from dicomweb.metadata.elements import (
    BINARY,
    VALUE_REPRESENTATIONS,
    binary_element,
    empty_element,
    value_element,
)
from dicomweb.metadata.metadata import Metadata, NotUnderstood, Reference
from dicomweb.part10.walker import MAX_DEPTH

_COMMAND_GROUP = 0x0000
_FILE_META_GROUP = 0x0002
_ITEM_GROUP = 0xFFFE

_MAY_BE_BULK_DATA = BINARY.union(
    ("DS", "FD", "FL", "IS", "LT", "SL", "SS", "ST", "SV", "UC", "UL", "US", "UT", "UV")
)
"""The VRs whose value may be bulk data (PS3.19 Table A.1.5-2, PS3.18 F.2.2)."""

Item = TypeVar("Item")
Attribute = TypeVar("Attribute")


@dataclass(frozen=True, slots=True)
class Values:
    """Values in order, None for an empty one; without values the element has zero length."""

    values: Sequence[object] = ()


@dataclass(frozen=True, slots=True)
class Items(Generic[Item]):
    """The items of a sequence, in order."""

    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class InlineBinary:
    """A whole Value Field in base64."""

    base64: str


@dataclass(frozen=True, slots=True)
class BulkDataURI:
    """A reference to a value that is sent in a separate part."""

    uri: str


Content = Values | Items[Item] | InlineBinary | BulkDataURI


class Model(Protocol[Item, Attribute]):
    """A notation: how a data set or item holds attributes, and an attribute its content.

    Both methods raise NotUnderstood for anything that the notation does not allow.
    """

    def attributes(self, item: Item) -> Iterator[tuple[int, str | None, Attribute]]:
        """Yield the tag of each attribute, its VR if it is stated, and the attribute."""

    def content(self, vr: str, attribute: Attribute) -> Content[Item]:
        """Return what an attribute of this VR holds."""


def read_metadata(model: Model[Item, Attribute], root: Item) -> Metadata:
    """Return the metadata that ``root`` states in the notation of ``model``.

    Raises InstanceRejected, with the path of tags and item numbers to the attribute in question,
    if an attribute occurs twice, cannot be in a data set or cannot have its value, or if sequences
    are nested deeper than MAX_DEPTH.
    """
    builder = _Builder(model)
    data_set = builder.data_set(root)
    return Metadata(
        data_set=data_set,
        bulk_data=builder.bulk_data,
        discarded_file_meta=builder.discarded_file_meta,
    )


class _Builder(Generic[Item, Attribute]):
    """The state of reading one instance."""

    def __init__(self, model: Model[Item, Attribute]) -> None:
        self.model = model
        self.bulk_data: list[Reference] = []
        self.discarded_file_meta = False
        self.depth = 0

    def data_set(self, item: Item, path: str = "") -> Dataset:
        data_set = Dataset()
        place = f"{path}an attribute"
        try:
            for tag, stated_vr, attribute in self.model.attributes(item):
                place = f"{path}({tag >> 16:04X},{tag & 0xFFFF:04X})"
                if self.belongs(tag, data_set):
                    vr = _vr(tag, stated_vr)
                    content = self.model.content(vr, attribute)
                    element = self.element(tag, vr, content, place)
                    if isinstance(content, BulkDataURI):
                        self.bulk_data.append(Reference(data_set, tag, content.uri))
                    data_set.add(element)
                place = f"{path}an attribute"
        except NotUnderstood as error:
            raise InstanceRejected(error.reason, f"{place}: {error}") from error
        return data_set

    def belongs(self, tag: int, data_set: Dataset) -> bool:
        """Tell whether to keep it: File Meta and group lengths are left out (PS3.18 F.2.2)."""
        group = tag >> 16
        if group in (_COMMAND_GROUP, _ITEM_GROUP):
            raise NotUnderstood("found an attribute that cannot be in a data set")
        if tag in data_set:
            raise NotUnderstood("found the attribute twice, expected it once")
        if group == _FILE_META_GROUP:
            self.discarded_file_meta = True
            return False
        return bool(tag & 0xFFFF)

    def element(self, tag: int, vr: str, content: Content[Item], place: str) -> DataElement:
        if vr not in VALUE_REPRESENTATIONS:
            vr = _chosen_vr(vr, content)
        match content:
            case Items(items):
                return self.sequence(tag, items, place)
            case BulkDataURI(uri):
                return _bulk_data_element(tag, vr, uri)
            case InlineBinary(base64):
                return binary_element(tag, vr, base64)
        if content.values:
            return value_element(tag, vr, content.values)
        return empty_element(tag, vr)

    def sequence(self, tag: int, items: Sequence[Item], place: str) -> DataElement:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotUnderstood(f"found sequences nested deeper than {MAX_DEPTH}")
        data_sets = [
            self.data_set(item, f"{place}[{number}] > ")
            for number, item in enumerate(items, start=1)
        ]
        self.depth -= 1
        return DataElement(tag, "SQ", DicomSequence(data_sets))


def _bulk_data_element(tag: int, vr: str, uri: str) -> DataElement:
    if vr not in _MAY_BE_BULK_DATA:
        raise NotUnderstood(f"found bulk data, which VR {vr} does not allow")
    if not uri:
        raise NotUnderstood("found bulk data without a URI, expected one")
    return empty_element(tag, vr)


def _vr(tag: int, stated_vr: str | None) -> str:
    """Return the VR, from the dictionary if it is not stated; the dictionary may offer several."""
    if stated_vr:
        if stated_vr not in VALUE_REPRESENTATIONS:
            raise NotUnderstood("found an unknown VR, expected one of PS3.5 Table 6.2-1")
        return stated_vr
    if Tag(tag).is_private_creator:
        return "LO"
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"


def _chosen_vr(vr: str, content: Content[Item]) -> str:
    """Choose among the VRs that the dictionary offers: OW is for bytes (PS3.5 A.2)."""
    return "OW" if vr.endswith("OW") and not isinstance(content, Values) else "US"

"""Build the data set of an instance from either model of it (PS3.19 A.1, PS3.18 Annex F).

A notation is read by its model; what the attributes mean, and which are refused, is decided here
for both. A refused instance is named if its UIDs can be read (PS3.18 Table I.1-1).
"""

from typing import Generic

from dicomweb.checks import SOP_CLASS_UID, SOP_INSTANCE_UID
from dicomweb.errors import InstanceRejected, OutOfTime
from dicomweb.metadata import representations
from dicomweb.metadata.dataelements import DataSet, Element
from dicomweb.metadata.elements import (
    BINARY,
    VALUE_REPRESENTATIONS,
    binary_element,
    empty_element,
    inline_binary,
    value_element,
)
from dicomweb.metadata.metadata import (
    Metadata,
    MetadataRejected,
    NotUnderstood,
    Reference,
)
from dicomweb.metadata.notation import (
    MAX_URI_BYTES,
    Attribute,
    BulkDataURI,
    Content,
    InlineBinary,
    Item,
    Items,
    Model,
    Values,
    is_short,
)
from dicomweb.metadata.numbers import integer
from dicomweb.outcomes import SOPReference
from dicomweb.part10.file import uid_text
from dicomweb.part10.headers import ITEM_GROUP, tag_text
from dicomweb.part10.walker import MAX_DEPTH
from dicomweb.reasons import FailureReason
from dicomweb.timelimit import FOREVER, TimeLimit

_COMMAND_GROUP = 0x0000
_FILE_META_GROUP = 0x0002
_MAX_US = 0xFFFF

_MAY_BE_BULK_DATA = BINARY.union(
    ("DS", "FD", "FL", "IS", "LT", "SL", "SS", "ST", "SV", "UC", "UL", "US", "UT", "UV")
)
"""The VRs whose value may be bulk data (PS3.19 Table A.1.5-2, PS3.18 F.2.2)."""


_EMPTY = DataSet()
"""Any item without elements: nothing is ever put into one."""


def read_metadata(
    model: Model[Item, Attribute], root: Item, time_limit: TimeLimit = FOREVER
) -> Metadata:
    """Return the metadata that ``root`` states in the notation of ``model``.

    Items are let go of when they have been read, so what was parsed and what is built are not
    both in memory. Raises MetadataRejected, with the path of tags and item numbers to the
    attribute in question, if an attribute occurs twice, cannot be in a data set or cannot have
    its value, if sequences are nested deeper than MAX_DEPTH, or if the time has ended.
    """
    builder = _Builder(model, time_limit)
    try:
        data_set = builder.data_set(root)
    except NotUnderstood as error:
        place = "".join(reversed(builder.place))
        refusal = InstanceRejected(FailureReason.CANNOT_UNDERSTAND, f"{place}: {error}")
        raise MetadataRejected(refusal, _reference(model, root)) from error
    except OutOfTime as error:
        raise MetadataRejected(error, _reference(model, root)) from error
    return Metadata(
        data_set=data_set,
        bulk_data=builder.bulk_data,
        discarded_file_meta=builder.discarded_file_meta,
    )


class _Builder(Generic[Item, Attribute]):
    """The state of reading one instance."""

    def __init__(self, model: Model[Item, Attribute], time_limit: TimeLimit) -> None:
        self.model = model
        self.time_limit = time_limit
        self.bulk_data: list[Reference] = []
        self.discarded_file_meta = False
        self.holders: list[representations.Number] = []
        """Functions that look up numbers in the data set and the items down to the current one."""
        self.place: list[str] = []
        """The path to the attribute that is not understood, innermost first."""

    def data_set(self, item: Item) -> DataSet:
        data_set = DataSet()
        self.holders.append(_Holder(self.model, item))
        current: int | None = None
        try:
            for tag, stated_vr, attribute in self.model.attributes(item):
                current = tag
                self.time_limit.check()
                if self.belongs(tag, data_set):
                    vr = representations.stated_or_known(tag, stated_vr)
                    content = self.model.content(vr, attribute)
                    data_set[tag] = self.element(tag, vr, content)
                    if isinstance(content, BulkDataURI):
                        self.bulk_data.append(Reference(data_set, tag, content.uri))
                current = None
        except NotUnderstood:
            self.place.append("an attribute" if current is None else tag_text(current))
            raise
        self.holders.pop()
        return data_set

    def belongs(self, tag: int, data_set: DataSet) -> bool:
        """Tell whether to keep it: File Meta and group lengths are left out (PS3.18 F.2.2)."""
        group = tag >> 16
        if group in (_COMMAND_GROUP, ITEM_GROUP):
            raise NotUnderstood("found an attribute that cannot be in a data set")
        if tag in data_set:
            raise NotUnderstood("found the attribute twice, expected it once")
        if group == _FILE_META_GROUP:
            self.discarded_file_meta = True
            return False
        return bool(tag & 0xFFFF)

    def element(self, tag: int, vr: str, content: Content[Item]) -> Element:
        if vr not in VALUE_REPRESENTATIONS:
            vr = self.chosen_vr(tag, vr, content)
        match content:
            case Items(items):
                return self.sequence(items)
            case BulkDataURI(uri):
                return _bulk_data_element(vr, uri)
            case InlineBinary(base64):
                return binary_element(vr, base64)
        if content.values:
            return value_element(tag, vr, content.values)
        return empty_element(vr)

    def chosen_vr(self, tag: int, vr: str, content: Content[Item]) -> str:
        """Choose among the VRs that the dictionary offers."""
        if vr.startswith("OB") or (vr.endswith("OW") and not isinstance(content, Values)):
            return representations.of_bytes(tag, vr, self.holders[-1])
        values = content.values if isinstance(content, Values) else ()
        return representations.of_numbers(tag, vr, values, self.holders)

    def sequence(self, items: list[Item | None]) -> Element:
        """Return a sequence; ``items`` are None afterwards, as empty ones are before."""
        if len(self.holders) > MAX_DEPTH:
            raise NotUnderstood(f"found sequences nested deeper than {MAX_DEPTH}")
        data_sets = []
        for place, item in enumerate(items):
            if item is None:
                data_sets.append(_EMPTY)
                continue
            items[place] = None
            try:
                data_sets.append(self.data_set(item))
            except NotUnderstood:
                self.place.append(f"[{place + 1}] > ")
                raise
        return Element("SQ", data_sets)


def _bulk_data_element(vr: str, uri: str) -> Element:
    if vr not in _MAY_BE_BULK_DATA:
        raise NotUnderstood(f"found bulk data, which VR {vr} does not allow")
    if not uri:
        raise NotUnderstood("found bulk data without a URI, expected one")
    if not is_short(uri):
        raise NotUnderstood(
            f"found bulk data with a URI of more than {MAX_URI_BYTES} bytes, expected a shorter one"
        )
    return empty_element(vr)


class _Holder(Generic[Item, Attribute]):
    """A data set or an item that may hold a number which decides about a VR."""

    __slots__ = ("_item", "_model", "_numbers")

    def __init__(self, model: Model[Item, Attribute], item: Item) -> None:
        self._model = model
        self._item = item
        self._numbers: dict[int, int | None] = {}

    def __call__(self, tag: int) -> int | None:
        """Return the US that the attribute of a tag has as its only value, or None."""
        if tag not in self._numbers:
            self._numbers[tag] = self._number(tag)
        return self._numbers[tag]

    def _number(self, tag: int) -> int | None:
        attribute = self._model.find(self._item, tag)
        try:
            match attribute is not None and self._model.content("US", attribute):
                case Values([value]):
                    return integer(0, _MAX_US, value)
        except NotUnderstood:
            pass
        return None


def _reference(model: Model[Item, Attribute], root: Item) -> SOPReference | None:
    """Return the UIDs of an instance that cannot be read, or None if they cannot be read either."""
    return SOPReference.of(_uid(model, root, SOP_CLASS_UID), _uid(model, root, SOP_INSTANCE_UID))


def _uid(model: Model[Item, Attribute], root: Item, tag: int) -> str:
    """Return a UID, or "" if it cannot be read; it may be inline binary of VR UN."""
    attribute = model.find(root, tag)
    try:
        match attribute is not None and model.content("UI", attribute):
            case Values([str(text)]):
                return uid_text(memoryview(text.encode().strip()))
            case InlineBinary(base64):
                return uid_text(inline_binary(base64))
    except NotUnderstood:
        pass
    return ""

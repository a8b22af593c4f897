"""Read metadata in the Native DICOM Model (PS3.19 A.1): one document, one instance.

Only the local part of names is compared, because dcm4che, odil, dcmtk by default and the examples
of PS3.18 Annex F write no namespace. Numbers order the values and items; a missing number is an
empty value. White space is significant only in text.

The document is not trusted: ``nativedocument`` bounds what it is parsed to, and here is a limit on
the empty values that a few numbers could ask for.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from dicomweb.metadata.budget import Objects
from dicomweb.metadata.builder import read_metadata
from dicomweb.metadata.bulkdata import urn
from dicomweb.metadata.elements import person_name, tag_number
from dicomweb.metadata.metadata import Metadata, NotUnderstood
from dicomweb.metadata.nativedocument import COMPONENTS, GROUPS, XMLElement, parse
from dicomweb.metadata.notation import (
    BulkDataURI,
    Content,
    InlineBinary,
    Items,
    Values,
)
from dicomweb.metadata.privateblocks import PrivateBlocks
from dicomweb.timelimit import FOREVER, TimeLimit

MAX_MISSING_NUMBERS = 10_000
"""Values whose numbers are missing, in a whole document."""

_ALONE = frozenset(("BulkData", "InlineBinary"))

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


def read(content: memoryview, objects: Objects, time_limit: TimeLimit = FOREVER) -> Metadata:
    """Return the metadata that a NativeDicomModel document states.

    Raises MalformedRequest if it is not one, MetadataRejected (C000) if its attributes are not
    those of a data set, InstanceRejected (A700) if there are too many ``objects``, and OutOfTime.
    """
    return read_metadata(_NativeModel(), parse(content, objects, time_limit), time_limit)


class _NativeModel:
    """The notation of one document. A Private Creator to be added is represented by its value."""

    def __init__(self) -> None:
        self.missing_numbers = 0

    def attributes(self, item: XMLElement) -> Iterator[tuple[int, str | None, XMLElement | str]]:
        stated = [_stated(attribute) for attribute in _children(item)]
        blocks = PrivateBlocks()
        for tag, creator, attribute in stated:
            if tag >> 16 & 1 and not creator:
                blocks.take(tag, _first_value(attribute))
        for tag, creator, attribute in stated:
            yield (
                blocks.tag(tag, creator) if creator else tag,
                attribute.attributes.get("vr"),
                attribute,
            )
        for tag, creator in blocks.creators:
            yield tag, "LO", creator

    def find(self, item: XMLElement, tag: int) -> XMLElement | None:
        text = f"{tag:08X}"
        children = item.children or ()
        return next((each for each in children if each.attributes.get("tag") == text), None)

    def content(self, vr: str, attribute: XMLElement | str) -> Content[XMLElement]:
        if isinstance(attribute, str):
            return Values([attribute])
        children = _children(attribute)
        if not children:
            return Values()
        [kind, *others] = {child.name for child in children}
        if others or (kind in _ALONE and len(children) > 1):
            raise NotUnderstood(
                "found children of two kinds, or BulkData or InlineBinary twice, expected children"
                " of one kind"
            )
        return self.content_of_kind(vr, kind, children)

    def content_of_kind(
        self, vr: str, kind: str, children: Sequence[XMLElement]
    ) -> Content[XMLElement]:
        match kind, vr:
            case "Item", "SQ":
                return Items([item for _, item in sorted(_by_number(children).items())])
            case "PersonName", "PN":
                return Values(self.numbered(children, _person_name))
            case "BulkData", _:
                return BulkDataURI(_uri(children[0]))
            case "InlineBinary", _:
                return InlineBinary(_text(children[0]))
            case "Value", _ if vr != "PN":
                return Values(self.numbered(children, _text))
        raise NotUnderstood(f"found children that an attribute of VR {vr} does not allow")

    def numbered(
        self, children: Sequence[XMLElement], value: Callable[[XMLElement], str]
    ) -> list[str | None]:
        """Return the values by number, None for each missing number."""
        by_number = _by_number(children)
        self.missing_numbers += max(by_number) - len(by_number)
        if self.missing_numbers > MAX_MISSING_NUMBERS:
            raise NotUnderstood(f"found more than {MAX_MISSING_NUMBERS} missing numbers of values")
        values: list[str | None] = [None] * max(by_number)
        for number, child in by_number.items():
            values[number - 1] = value(child)
        return values


def _stated(attribute: XMLElement) -> tuple[int, str, XMLElement]:
    """Return the tag of an attribute and its private creator, if it has one."""
    if attribute.name != "DicomAttribute":
        raise NotUnderstood("found another element, expected DicomAttribute")
    creator = attribute.attributes.get("privateCreator", "").strip()
    return tag_number(attribute.attributes.get("tag", "")), creator, attribute


def _first_value(attribute: XMLElement) -> str:
    values = (child.text for child in attribute.children or () if child.name == "Value")
    return next(values, "").strip()


def _by_number(children: Sequence[XMLElement]) -> dict[int, XMLElement]:
    by_number: dict[int, XMLElement] = {}
    for child in children:
        number = child.number
        if not _NUMBER.fullmatch(number):
            raise NotUnderstood("found a value or item without a number, expected one from 1 on")
        if by_number.setdefault(int(number), child) is not child:
            raise NotUnderstood("found two values or items with the same number")
    return by_number


def _person_name(element: XMLElement) -> str:
    groups = ["", "", ""]
    for group in _children(element):
        place = GROUPS.get(group.name)
        if place is None or groups[place]:
            raise NotUnderstood("found a component group of a name twice, or an unknown one")
        groups[place] = _component_group(group)
    return person_name(groups)


def _component_group(group: XMLElement) -> str:
    children = _children(group)
    components = {child.name: _text(child) for child in children}
    if len(components) < len(children) or not components.keys() <= set(COMPONENTS):
        raise NotUnderstood("found a component of a name twice, or an unknown one")
    return "^".join(components.get(name, "") for name in COMPONENTS).rstrip("^")


def _uri(bulk_data: XMLElement) -> str:
    """Return the URI; the model requires either a URI or a UUID (PS3.19 A.1.5).

    dcm2xml writes a UUID for each value that it leaves out; its URI is its URN.
    """
    uri, uuid = bulk_data.attributes.get("uri"), bulk_data.attributes.get("uuid")
    if uri is not None and uuid is None:
        return uri.strip()
    if uuid is None or uri is not None:
        raise NotUnderstood("found bulk data with no URI or UUID, or with both, expected one")
    return urn(uuid.strip())


def _children(element: XMLElement) -> Sequence[XMLElement]:
    """Return the child elements; text around them would be lost, so it is refused."""
    if element.text:
        raise NotUnderstood("found text, expected only elements")
    return element.children or ()


def _text(element: XMLElement) -> str:
    if element.children:
        raise NotUnderstood("found elements, expected only text")
    return element.text

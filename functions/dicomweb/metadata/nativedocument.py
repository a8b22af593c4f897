"""Parse a NativeDicomModel document into elements of little memory (PS3.19 A.1).

The document is not trusted: no DTD, so no entities, no network, and limits that hold while it is
parsed: on elements by the memory that they take, on attributes of an element, on depth and on
names that the model does not have, because libxml2 never forgets a name. lxml's own tree takes
five times as much memory.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from lxml import etree

from dicomweb.errors import MalformedRequest
from dicomweb.metadata.budget import Objects
from dicomweb.timelimit import TimeLimit

_MAX_DEPTH = 256
_MAX_ATTRIBUTES = 32
_MAX_OTHER_NAMES = 256
_PIECE = 1 << 16
_HEAD = 1024

_ELEMENT_BYTES = 200
_MORE_BYTES = {"BulkData": 400, "DicomAttribute": 400, "Item": 120}
_CREATOR_BYTES = 400
"""What an element takes, and what is built of it; more with XML attributes, or with a creator."""

_ATTRIBUTES = frozenset(("privateCreator", "tag", "uri", "uuid", "vr"))
_EXPECTED_NAMES = _ATTRIBUTES.union(("keyword", "number"))
COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")

GROUPS = {"Alphabetic": 0, "SingleByte": 0, "Ideographic": 1, "Phonetic": 2}
"""SingleByte is the first group's name in the schema of 2011, and still in GDCM."""

_TEXTS = frozenset((*COMPONENTS, "InlineBinary", "Value"))
"""The elements whose text counts."""

_WITH_ATTRIBUTES = frozenset(("BulkData", "DicomAttribute"))
"""The elements that have other XML attributes than a number."""

_NAMES = _TEXTS.union(
    GROUPS, ("BulkData", "DicomAttribute", "Item", "NativeDicomModel", "PersonName")
)

# The examples of PS3.18 Annex F have xml:space in the XML declaration, where XML forbids it.
_MISPLACED_SPACE = re.compile(
    rb"\A((?:\xef\xbb\xbf)?<\?xml\b[^>]{0,100}?)\sxml:space\s*=\s*[\"']preserve[\"']"
)
_TOO_MANY_ATTRIBUTES = re.compile(
    rb"<[^\s<>/!?][^\s<>/]*+(?:\s++[^\s<>=/]++\s*+=\s*+(?:\"[^\"<]*+\"|'[^'<]*+')){%d}"
    % (_MAX_ATTRIBUTES + 1)
)
_UTF16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
"""The encodings that are not ASCII with something more, by their first two bytes."""

_NONE: Mapping[str, str] = MappingProxyType({})


class XMLElement:
    """An element: what the model knows of it.

    ``text`` is that of an element which may have some; of another, what is not white space.
    """

    __slots__ = ("attributes", "children", "name", "number", "text")

    def __init__(self, name: str, number: str, attributes: Mapping[str, str]) -> None:
        self.name = name
        self.number = number
        self.attributes = attributes
        self.children: list[XMLElement] | None = None
        self.text = ""


def parse(content: memoryview, objects: Objects, time_limit: TimeLimit) -> XMLElement:
    """Return the root of a document.

    Raises MalformedRequest if it is not a NativeDicomModel, InstanceRejected (A700) if there are
    too many ``objects``, and OutOfTime.
    """
    encoding = _UTF16.get(bytes(content[:2]))
    if encoding:
        content = _in_utf8(content, encoding)
    if _TOO_MANY_ATTRIBUTES.search(content):
        raise MalformedRequest(f"found an XML element of more than {_MAX_ATTRIBUTES} attributes")
    target = _Target(objects, time_limit)
    parser = etree.XMLParser(  # type: ignore[call-overload]  # its stub wants each method there is
        target=target,
        encoding="utf-8" if encoding else None,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
    )
    try:
        parser.feed(_MISPLACED_SPACE.sub(rb"\1", bytes(content[:_HEAD]), count=1))
        for start in range(_HEAD, len(content), _PIECE):
            parser.feed(bytes(content[start : start + _PIECE]))
        parser.close()
    except etree.XMLSyntaxError as error:
        raise MalformedRequest(
            f"found XML that is not well-formed at line {error.lineno}, expected NativeDicomModel"
        ) from error
    return target.root


def _in_utf8(content: memoryview, encoding: str) -> memoryview:
    try:
        return memoryview(str(content, encoding).encode())
    except UnicodeError as error:
        raise MalformedRequest("found XML in UTF-16 that cannot be decoded") from error


class _Target:
    """Receives what the parser finds; an exception ends the parsing."""

    root: XMLElement

    def __init__(self, objects: Objects, time_limit: TimeLimit) -> None:
        self._objects = objects
        self._time_limit = time_limit
        self._open: list[XMLElement] = []
        self._texts: list[str] = []
        self._names: dict[str, str] = {}
        self._other_names: set[str] = set()

    def doctype(self, *_: object) -> None:
        raise MalformedRequest("found a document type declaration in XML, expected none")

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._time_limit.check()
        local = self._names.get(name) or self._local_name(name)
        for other in attributes.keys() - _EXPECTED_NAMES:
            self._note(other)
        kept = _NONE
        if local in _WITH_ATTRIBUTES:
            kept = {key: attributes[key] for key in attributes if key in _ATTRIBUTES}
        self._objects.take(
            _ELEMENT_BYTES + _MORE_BYTES.get(local, 0) + _CREATOR_BYTES * ("privateCreator" in kept)
        )
        element = XMLElement(local, attributes.get("number", ""), kept)
        self._end_text()
        if not self._open:
            if local != "NativeDicomModel":
                raise MalformedRequest(
                    "found XML with another root element, expected NativeDicomModel"
                )
            self.root = element
        elif self._open[-1].children is None:
            self._open[-1].children = [element]
        else:
            self._open[-1].children.append(element)
        self._open.append(element)
        if len(self._open) > _MAX_DEPTH:
            raise MalformedRequest("found XML that is nested too deeply")

    def data(self, text: str) -> None:
        if self._open[-1].name in _TEXTS:
            self._texts.append(text)
        elif not text.isspace():
            self._open[-1].text = text

    def end(self, _: str) -> None:
        self._end_text()
        self._open.pop()

    def close(self) -> None:
        """Return nothing; the root is there."""

    def _end_text(self) -> None:
        """Set the text that has been found, unless there are elements: that is refused anyway."""
        if self._texts:
            if self._open[-1].children is None:
                self._open[-1].text = "".join(self._texts)
            self._texts.clear()

    def _local_name(self, name: str) -> str:
        local = name.rpartition("}")[2]
        if local not in _NAMES:
            self._note(local)
        self._names[name] = local
        return local

    def _note(self, name: str) -> None:
        """Note a name that the model does not have: libxml2 never lets go of a name."""
        self._other_names.add(name)
        if len(self._other_names) > _MAX_OTHER_NAMES:
            raise MalformedRequest(
                f"found more than {_MAX_OTHER_NAMES} other names in XML, expected those of"
                " NativeDicomModel"
            )

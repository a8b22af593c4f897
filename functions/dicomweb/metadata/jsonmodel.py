"""Read metadata in the DICOM JSON Model (PS3.18 Annex F): an array of instances, or just one.

pydicom's reader is not used: it accepts keywords for tags, the last of two equal keys, any base64
and numbers of any size, and skips what it does not know. For the values themselves, in
``elements``, pydicom is used.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import cast

from dicomweb.envelope.multipart import MAX_PARTS
from dicomweb.errors import InstanceRejected, MalformedRequest
from dicomweb.metadata.budget import Objects
from dicomweb.metadata.builder import read_metadata
from dicomweb.metadata.elements import person_name, tag_number
from dicomweb.metadata.metadata import Metadata, NotUnderstood
from dicomweb.metadata.notation import (
    BulkDataURI,
    Content,
    InlineBinary,
    Items,
    Values,
)
from dicomweb.reasons import FailureReason
from dicomweb.timelimit import FOREVER, TimeLimit

_VALUE_KEYS = ("Value", "InlineBinary", "BulkDataURI")

_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")

_LONGEST_INTEGER = 20
"""Characters of the largest UV; Python's time for a number grows with the square of its length."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)

_LONG_STRING = 64

_BYTES = {b"{}": 770, b"{": 230, b'{"vr"': -80, b"[": 60, b"null": 60, b",": 40, b'"': 18}
"""What they stand for takes, parsed and built.

An attribute takes less than an item. A null may be an item. A comma is a value. An empty object
counts four times, for its time: a megabyte has 330,000.
"""


def read(
    content: memoryview, objects: Objects, time_limit: TimeLimit = FOREVER
) -> list[Metadata | InstanceRejected]:
    """Return the metadata of each instance, or why it is refused; there is at least one.

    Raises MalformedRequest if the content is not JSON in UTF-8, if an object has a key twice or if
    there is no array of instances, and InstanceRejected (A700) if there are too many ``objects``.
    """
    objects.take(_memory(content, objects.left))
    document = _parse(content)
    instances = document if isinstance(document, list) else [document]
    if not isinstance(document, list | dict) or not 0 < len(instances) <= MAX_PARTS:
        raise MalformedRequest(f"found other JSON, expected an array of 1 to {MAX_PARTS} instances")
    read = []
    for place, instance in enumerate(instances):
        instances[place] = None
        read.append(_read_instance(instance, time_limit))
    return read


def _memory(content: memoryview, most: int) -> int:
    """Return how much memory the objects of a document take, exactly if it may exceed ``most``.

    Nothing is parsed for that: characters are counted, and not those in long strings.
    """
    document = bytes(content)
    size = _counted(document)
    if size > most:
        for string in _STRING.finditer(document):
            if string.end() - string.start() > _LONG_STRING:
                size -= _counted(string.group())
    return size


def _counted(document: bytes) -> int:
    return sum(document.count(character) * size for character, size in _BYTES.items())


def _read_instance(instance: object, time_limit: TimeLimit) -> Metadata | InstanceRejected:
    if not isinstance(instance, dict):
        return InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            "found a value in the array of instances that is not an object",
        )
    try:
        return read_metadata(_JSONModel(), instance, time_limit)
    except InstanceRejected as refusal:
        return refusal


def _parse(content: memoryview) -> object:
    try:
        return json.loads(
            str(content, "utf-8-sig"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"found JSON that is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise MalformedRequest(f"found invalid JSON at character {error.pos}") from error
    except RecursionError as error:
        raise MalformedRequest("found JSON that is nested too deeply") from error


class _Attribute:
    """An attribute as almost all are, which would be four times as large as a dictionary."""

    __slots__ = ("key", "value", "vr")

    def __init__(self, vr: object, key: str, value: object) -> None:
        self.vr = vr
        self.key = key
        self.value = value


_Object = dict[str, object] | _Attribute
_EMPTY: dict[str, object] = {}


def _object(pairs: list[tuple[str, object]]) -> _Object:
    match pairs:
        case [("vr", vr), ("Value" | "InlineBinary" | "BulkDataURI" as key, value)]:
            return _Attribute(vr, key, value)
        case []:
            return _EMPTY
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MalformedRequest("found a key twice in a JSON object, expected it once")
    return found


def _constant(_: str) -> None:
    raise MalformedRequest("found NaN or Infinity as a JSON number, expected it as a string")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


class _JSONModel:
    """The notation of JSON objects, in which private attributes have their actual tags."""

    def attributes(self, item: Mapping[str, object]) -> Iterator[tuple[int, str | None, _Object]]:
        for key, attribute in item.items():
            tag = tag_number(key)
            if isinstance(attribute, _Attribute):
                vr = attribute.vr
            elif isinstance(attribute, dict):
                vr = attribute.get("vr")
            else:
                raise NotUnderstood("found an attribute that is not an object")
            yield tag, None if vr is None else str(vr), attribute
            if isinstance(attribute, _Attribute) and isinstance(attribute.value, list):
                del attribute.value[1:]  # it has been read, and no UID or number has several

    def find(self, item: Mapping[str, object], tag: int) -> _Object | None:
        attribute = item.get(f"{tag:08X}")
        return attribute if isinstance(attribute, dict | _Attribute) else None

    def content(self, vr: str, attribute: _Object) -> Content[Mapping[str, object]]:
        match _values_of(attribute):
            case {"Value": list(values), **rest} if not rest:
                return _values(vr, values)
            case {"InlineBinary": str(text) | [str(text)], **rest} if not rest:
                return InlineBinary(text)
            case {"BulkDataURI": str(text) | [str(text)], **rest} if not rest:
                return BulkDataURI(_characters(text))
            case found if not found and _has_only_known_keys(attribute):
                return Values()
            case _:
                raise NotUnderstood(
                    "found other content, expected at most one of Value (an array), InlineBinary"
                    " and BulkDataURI (strings)"
                )


def _values_of(attribute: _Object) -> dict[str, object]:
    if isinstance(attribute, _Attribute):
        return {} if attribute.value is None else {attribute.key: attribute.value}
    return {key: attribute[key] for key in _VALUE_KEYS if attribute.get(key) is not None}


def _has_only_known_keys(attribute: _Object) -> bool:
    return isinstance(attribute, _Attribute) or attribute.keys() <= {"vr", *_VALUE_KEYS}


def _values(vr: str, values: list[object]) -> Content[Mapping[str, object]]:
    if vr == "SQ":
        return Items(_items(values))
    if vr == "PN":
        return Values([_person_name(value) for value in values])
    if set(map(type, values)) & {str}:
        _characters("".join(value for value in values if isinstance(value, str)))
    return Values(values)


def _items(values: list[object]) -> list[Mapping[str, object] | None]:
    """Return the items, in the same list; null is an empty one, as in pydicom."""
    if not set(map(type, values)) <= {dict, type(None)}:
        raise NotUnderstood("found an item that is not an object")
    values[:] = [value or None for value in values]
    return cast("list[Mapping[str, object] | None]", values)


def _person_name(value: object) -> object:
    """Return a name from its component groups, or from one value, which some senders write."""
    if isinstance(value, str):
        return _characters(value)
    if value is None or isinstance(value, int | float):
        return value
    if not isinstance(value, dict) or not value.keys() <= set(_GROUPS):
        raise NotUnderstood("found an invalid person name, expected an object of component groups")
    groups = [value.get(group) or "" for group in _GROUPS]
    if not all(isinstance(group, str) for group in groups):
        raise NotUnderstood("found a component group that is not a string")
    return person_name([_characters(group) for group in groups])


def _characters(text: str) -> str:
    """Return the text; JSON can escape half a character, which no character set can encode."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotUnderstood("found half of a surrogate pair") from error
    return text

"""Read metadata in the DICOM JSON Model (PS3.18 Annex F): an array of instances, or just one.

pydicom's reader is not used: it accepts keywords for tags, the last of two equal keys, any base64
and numbers of any size, and skips what it does not know. For the values themselves, in
``elements``, pydicom is used.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

from dicomweb.envelope.multipart import MAX_PARTS
from dicomweb.errors import InstanceRejected, MalformedRequest
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

_VALUE_KEYS = ("Value", "InlineBinary", "BulkDataURI")

_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")

MAX_OBJECTS = 200_000
"""Objects in a document; so many attributes with values do not fit into a request."""

_LONGEST_INTEGER = 20
"""Characters of the largest UV; Python's time for a number grows with the square of its length."""


def read(content: memoryview) -> list[Metadata | InstanceRejected]:
    """Return the metadata of each instance, or why it is refused; there is at least one.

    Raises MalformedRequest if the content is not JSON in UTF-8, if an object has a key twice, if
    there is no array of instances, or if a limit is exceeded.
    """
    document = _parse(content)
    instances = document if isinstance(document, list) else [document]
    if not isinstance(document, list | dict) or not 0 < len(instances) <= MAX_PARTS:
        raise MalformedRequest(f"found other JSON, expected an array of 1 to {MAX_PARTS} instances")
    return [_read_instance(instance) for instance in instances]


def _read_instance(instance: object) -> Metadata | InstanceRejected:
    if not isinstance(instance, dict):
        return InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            "found a value in the array of instances that is not an object",
        )
    try:
        return read_metadata(_JSONModel(), instance)
    except InstanceRejected as refusal:
        return refusal


def _parse(content: memoryview) -> object:
    try:
        return json.loads(
            str(content, "utf-8-sig"),
            object_pairs_hook=_Objects().add,
            parse_constant=_constant,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"found JSON that is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise MalformedRequest(f"found invalid JSON at character {error.pos}") from error
    except RecursionError as error:
        raise MalformedRequest("found JSON that is nested too deeply") from error


class _Objects:
    """Makes the objects of one document, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        self.count += 1
        if self.count > MAX_OBJECTS:
            raise MalformedRequest(f"found more than {MAX_OBJECTS} JSON objects")
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

    def attributes(
        self, item: Mapping[str, object]
    ) -> Iterator[tuple[int, str | None, Mapping[str, object]]]:
        for key, attribute in item.items():
            tag = tag_number(key)
            if not isinstance(attribute, dict):
                raise NotUnderstood("found an attribute that is not an object")
            vr = attribute.get("vr")
            yield tag, None if vr is None else str(vr), attribute

    def find(self, item: Mapping[str, object], tag: int) -> Mapping[str, object] | None:
        attribute = item.get(f"{tag:08X}")
        return attribute if isinstance(attribute, dict) else None

    def content(self, vr: str, attribute: Mapping[str, object]) -> Content[Mapping[str, object]]:
        match {key: attribute[key] for key in _VALUE_KEYS if attribute.get(key) is not None}:
            case {"Value": [*values], **rest} if not rest:
                return _values(vr, values)
            case {"InlineBinary": str(text) | [str(text)], **rest} if not rest:
                return InlineBinary(text)
            case {"BulkDataURI": str(text) | [str(text)], **rest} if not rest:
                return BulkDataURI(_characters(text))
            case found if not found and attribute.keys() <= {"vr", *_VALUE_KEYS}:
                return Values()
            case _:
                raise NotUnderstood(
                    "found other content, expected at most one of Value (an array), InlineBinary"
                    " and BulkDataURI (strings)"
                )


def _values(vr: str, values: Sequence[object]) -> Content[Mapping[str, object]]:
    if vr == "SQ":
        return Items([_item(value) for value in values])
    if vr == "PN":
        return Values([_person_name(value) for value in values])
    return Values([_characters(value) if isinstance(value, str) else value for value in values])


def _item(value: object) -> Mapping[str, object]:
    """Return an item; null is an empty one, as in pydicom."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NotUnderstood("found an item that is not an object")
    return value


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
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotUnderstood("found half of a surrogate pair") from error
    return text

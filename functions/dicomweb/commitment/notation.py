"""Read the data set of a request in the DICOM JSON Model or the Native DICOM Model.

A request for commitment has only UIDs and sequences, so what is read of an attribute is its text
and its items. Both models become the same tree (PS3.18 Annex F, PS3.19 A.1).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Union

from dicomweb.envelope import mediatypes
from dicomweb.envelope.mediatypes import ALIASES, DICOM_JSON
from dicomweb.errors import InstanceRejected, MalformedRequest
from dicomweb.metadata import nativedocument
from dicomweb.metadata.budget import Objects
from dicomweb.metadata.nativedocument import XMLElement
from dicomweb.timelimit import FOREVER

DataSet = Mapping[str, Sequence[Union[str, "DataSet"]]]
"""Values and items by tag: eight hexadecimal digits in upper case. Other values are left out."""

_DEEPEST = 8
"""How deeply sequences may be nested; the module has three in another."""


def read_data_set(content_type: str | None, payload: bytes) -> DataSet:
    """Return the one data set of a payload.

    Raises MalformedRequest if the media type is neither of the two, or if the payload is not one
    data set in it.
    """
    essence = mediatypes.parse_media_type(content_type or "").essence if content_type else ""
    if essence not in ALIASES:
        raise MalformedRequest(
            "found a Content-Type that is not supported, expected application/dicom+json or"
            " application/dicom+xml"
        )
    if ALIASES[essence] == DICOM_JSON:
        return _of_json(payload)
    return _of_xml(payload)


def _of_json(payload: bytes) -> DataSet:
    try:
        document = json.loads(str(payload, "utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise MalformedRequest("found a payload that is not JSON in UTF-8") from error
    if isinstance(document, list) and len(document) == 1:
        document = document[0]  # dicomweb-client for Python sends an array for any data set
    if not isinstance(document, dict):
        raise MalformedRequest("found other JSON, expected an object: one data set")
    return _json_object(document, 1)


def _json_object(item: Mapping[str, object], depth: int) -> DataSet:
    _check_depth(depth)
    found: dict[str, list[str | DataSet]] = {}
    for tag, attribute in item.items():
        values = attribute.get("Value") if isinstance(attribute, dict) else None
        found[tag.upper()] = [
            each if isinstance(each, str) else _json_object(each, depth + 1)
            for each in (values if isinstance(values, list) else ())
            if isinstance(each, str | dict)
        ]
    return found


def _of_xml(payload: bytes) -> DataSet:
    objects = Objects()
    content = memoryview(payload)
    try:
        with objects.of(content):
            root = nativedocument.parse(content, objects, FOREVER)
    except InstanceRejected as error:
        raise MalformedRequest(str(error)) from error
    return _xml_item(root, 1)


def _xml_item(item: XMLElement, depth: int) -> DataSet:
    _check_depth(depth)
    found: dict[str, list[str | DataSet]] = {}
    for attribute in item.children or ():
        values = found.setdefault(attribute.attributes.get("tag", "").upper(), [])
        for each in attribute.children or ():
            if each.name == "Value":
                values.append(each.text)
            elif each.name == "Item":
                values.append(_xml_item(each, depth + 1))
    return found


def _check_depth(depth: int) -> None:
    if depth > _DEEPEST:
        raise MalformedRequest(
            "found sequences that are nested too deeply, expected those of a request for commitment"
        )

"""Read the answer of a STOW-RS server (PS3.18 10.5.3, Annex I), in either notation.

It is read leniently, because it may come from any server: a module in an array, a media type with
parameters, unknown codes. An unreadable answer confirms nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from stowport.messages import Response
from stowport.said import notation, said

_FAILED = "00081198"
_REFERENCED = "00081199"
_OTHER = "0008119A"
_MODULE = (_FAILED, _REFERENCED, _OTHER)
_TEXT = "0040A160"
_MAX_US = 0xFFFF

_WARNING = re.compile(r'299 \S+ "(?:([0-9A-Fa-f]{4}): )?(?:part (\d{1,9}): )?(.*?)"')
_TAGS = {
    "sop_class_uid": "00081150",
    "sop_instance_uid": "00081155",
    "retrieve_url": "00081190",
    "warning": "00081196",
    "failure": "00081197",
}
_COMMENTS = ("00090097", "00091097", "00000902")
"""Google's private FailureDetail, as it writes it and as it should, and Azure's Error Comment."""

_FAILED_ATTRIBUTES = "00741048"
"""In an item of Azure, the sequence that holds an Error Comment for each attribute."""

_LONGEST = 500

DataSet = Mapping[str, list[Any]]
"""Values by tag; those of a sequence are data sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item of one of the module's sequences; ``failure`` is None if the instance is stored.

    ``text`` says why, on the servers that have an attribute of their own for it.
    """

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    retrieve_url: str = ""
    warning: int | None = None
    failure: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer: ``items`` is None if it is not a Store Instances Response Module.

    ``texts`` are the reasons in words from Warning, by failure reason and number of the part,
    None where one is not given; ``text`` is what is said of the request as a whole in DICOM's
    terms, and ``said`` what is said in any others.
    """

    status: int
    items: list[Item] | None
    text: str = ""
    said: str = ""
    texts: Mapping[tuple[int | None, int | None], str] = field(default_factory=dict)


def read_answer(response: Response) -> Answer:
    """Return what ``response`` says; never raises."""
    texts = dict(_texts(response.warnings))
    data_set, items = _module(response)
    unnumbered = (text for (_, part), text in texts.items() if part is None)
    described = next(iter(data_set.get(_TEXT, [])), None)
    text = described if isinstance(described, str) and described else next(unnumbered, "")
    words = said(response) if items is None else ""
    return Answer(status=response.status, items=items, text=text, said=words, texts=texts)


def _module(response: Response) -> tuple[DataSet, list[Item] | None]:
    """Return the data set and its items, which are not believed if any of them makes no sense.

    Neither is an answer that is nested too deeply to be read.
    """
    try:
        data_set = _data_set(response)
        has_items = any(tag in data_set for tag in _MODULE)
        return data_set, list(_items(data_set)) if has_items else None
    except (
        ValueError,
        AttributeError,
        TypeError,
        LookupError,
        RecursionError,
        etree.XMLSyntaxError,
    ):
        return {}, None


def _data_set(response: Response) -> DataSet:
    found = notation(response)
    if found == "json":
        model = json.loads(response.body)
        return _from_json(model[0] if isinstance(model, list) and model else model)
    if found == "xml":
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        return _from_xml(etree.fromstring(response.body, parser))
    return {}


def _from_json(model: Any) -> DataSet:  # noqa: ANN401 - whatever JSON holds
    found: dict[str, list[Any]] = {}
    for tag, attribute in model.items():
        values = attribute.get("Value", [])
        if not isinstance(values, list):
            raise TypeError
        found[tag.upper()] = (
            [_from_json(value) for value in values] if attribute.get("vr") == "SQ" else values
        )
    return found


def _from_xml(model: etree._Element) -> DataSet:
    found: dict[str, list[Any]] = {}
    for attribute in model.iterfind("{*}DicomAttribute"):
        items = [_from_xml(item) for item in attribute.iterfind("{*}Item")]
        values = [value.text or "" for value in attribute.iterfind("{*}Value")]
        found[attribute.attrib["tag"].upper()] = items or values
    return found


def _items(data_set: DataSet) -> Iterator[Item]:
    """Yield the stored, the failed, and the failures without a name, in this order."""
    for tag in (_REFERENCED, _FAILED, _OTHER):
        for values in data_set.get(tag, []):
            first = {name: (values.get(at) or [""])[0] or "" for name, at in _TAGS.items()}
            failure = None if tag == _REFERENCED else _code(first["failure"]) or 0x0110
            yield Item(
                sop_class_uid=str(first["sop_class_uid"]).strip(" \0"),
                sop_instance_uid=str(first["sop_instance_uid"]).strip(" \0"),
                retrieve_url=str(first["retrieve_url"]),
                warning=_code(first["warning"]),
                failure=failure,
                text="; ".join(_comments(values))[:_LONGEST],
            )


def _comments(item: DataSet) -> Iterator[str]:
    for values in (item, *item.get(_FAILED_ATTRIBUTES, [])):
        for tag in _COMMENTS:
            yield from (each for each in values.get(tag, []) if isinstance(each, str) and each)


def _code(value: object) -> int | None:
    """Return a reason code, a US (PS3.5 6.2)."""
    code = int(value) if isinstance(value, int | str) and str(value).isdigit() else None
    return code if code is None or code <= _MAX_US else None


def _texts(warnings: tuple[str, ...]) -> Iterator[tuple[tuple[int | None, int | None], str]]:
    for warning in warnings:
        for code, part, text in _WARNING.findall(warning):
            yield (int(code, 16) if code else None, int(part) if part else None), text

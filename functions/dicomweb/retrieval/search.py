"""The results of a search below a study, as the DICOM JSON Model (PS3.18 10.6.3.3, Annex F).

A result is made of what the index has: attributes by keyword, with text, integers, lists of
either, or for a sequence a list of such mappings (``dicomweb.returnattributes``).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from dicomweb.errors import MalformedRequest
from dicomweb.returnattributes import INSTANCE, REQUEST, SERIES, STUDY, Attribute

Attributes = Mapping[str, Any]

MAX_RESULTS_BYTES = 5_000_000
"""What an answer holds: Lambda returns 6 MB, in which each quote of JSON is two bytes."""

_ALL = "all"
_PARAMETERS = frozenset(("limit", "offset", "includefield", "accept", "fuzzymatching"))
_NUMBER = re.compile(r"[0-9]{1,9}")
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_ADDED: Sequence[Attribute] = (
    (0x00080016, "SOPClassUID", "UI"),
    (0x00080018, "SOPInstanceUID", "UI"),
    (0x00080056, "InstanceAvailability", "CS"),
    (0x00081190, "RetrieveURL", "UR"),
    (0x0020000D, "StudyInstanceUID", "UI"),
    (0x0020000E, "SeriesInstanceUID", "UI"),
    (0x00201209, "NumberOfSeriesRelatedInstances", "IS"),
)
"""What is in a result and not decoded from an instance for the index."""

_KNOWN = {
    keyword: (tag, vr) for tag, keyword, vr in (*STUDY, *SERIES, *INSTANCE, *REQUEST, *_ADDED)
}
_OF_STUDY = {keyword for _, keyword, _ in STUDY}
_BY_TAG = {f"{tag:08X}": keyword for keyword, (tag, _) in _KNOWN.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is searched for: ``limit`` None is all; ``of_study`` are keywords of the study."""

    limit: int | None
    offset: int
    of_study: frozenset[str]


def read_query(parameters: Mapping[str, Sequence[str]]) -> Query:
    """Read the query parameters (PS3.18 8.3.4).

    Raises MalformedRequest for one that is unknown: a result that only seems to match would be
    worse. Names of attributes that the index does not have are ignored.
    """
    for name in parameters:
        if name not in _PARAMETERS:
            raise MalformedRequest(
                "found a query parameter that is not supported, expected limit, offset or"
                " includefield: results below a study are not matched by attributes"
            )
    named = chain.from_iterable(value.split(",") for value in parameters.get("includefield", ()))
    included = {_BY_TAG.get(name.upper(), name) for name in named}
    return Query(
        limit=_number(parameters, "limit"),
        offset=_number(parameters, "offset") or 0,
        of_study=frozenset(_OF_STUDY if _ALL in included else _OF_STUDY & included),
    )


def _number(parameters: Mapping[str, Sequence[str]], name: str) -> int | None:
    if name not in parameters:
        return None
    values = parameters[name]
    if len(values) != 1 or not _NUMBER.fullmatch(values[0]):
        raise MalformedRequest(f"found no number as {name}, expected digits, once")
    return int(values[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The answer to a search: its text, and where the next results begin, None at the end."""

    body: str
    following: int | None


def encode(found: Iterable[Attributes], query: Query) -> Results:
    """Return the results that are asked for and fit into an answer, each with its tags in order.

    ``found`` are the results from the offset on.
    """
    left = MAX_RESULTS_BYTES
    encoded: list[str] = []
    for number, attributes in enumerate(found, query.offset):
        text = json.dumps(_object(attributes), ensure_ascii=False, separators=(",", ":"))
        left -= len(text.encode(errors="replace")) + text.count('"') + text.count("\\") + 1
        if left < 0 or len(encoded) == query.limit:
            return Results(body=f"[{','.join(encoded)}]", following=number)
        encoded.append(text)
    return Results(body=f"[{','.join(encoded)}]", following=None)


def _object(attributes: Attributes) -> dict[str, dict[str, object]]:
    tagged = sorted((*_KNOWN[keyword], keyword) for keyword in attributes if keyword in _KNOWN)
    return {
        f"{tag:08X}": {"vr": vr, "Value": list(_values(keyword, vr, attributes[keyword]))}
        for tag, vr, keyword in tagged
    }


def _values(keyword: str, vr: str, value: Any) -> Iterator[object]:  # noqa: ANN401 - IndexValue
    if keyword == "SpecificCharacterSet":
        yield "ISO_IR 192"  # that of JSON (PS3.18 Annex F)
    elif vr == "SQ":
        yield from map(_object, value)
    elif isinstance(value, int):
        yield value
    else:
        for text in value.split("\\"):
            yield _name(text) if vr == "PN" else text or None


def _name(text: str) -> dict[str, str]:
    """Return the groups of a person's name (PS3.5 6.2)."""
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), text.split("="), strict=False)
    return {name: group for name, group in groups if group}

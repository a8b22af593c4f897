"""Small bodies of the kinds that once cost gigabytes and minutes when they were large.

The changes that make them larger come from the mutations, which repeat a part of an input.
"""

from typing import Any

from tests.fuzz import seeds
from tests.split_bulk_data import XML, bulk, metadata

Model = dict[str, Any]

_MANY = 300
_PRIVATE = "00091010"


def _nested(depth: int) -> Model:
    item: Model = {}
    for _ in range(depth):
        item = {"00081140": {"vr": "SQ", "Value": [item]}}
    return item


def documents() -> tuple[Model, ...]:
    """Return instances in JSON that have much of something."""
    sets = {"00080005": {"vr": "CS", "Value": ["ISO 2022 IR 100", "ISO 2022 IR 144"]}}
    private = {f"0009{number:04X}": {"vr": "LO", "Value": ["c"]} for number in range(16, 256)}
    added: tuple[Model, ...] = (
        {_PRIVATE: {"vr": "DS", "Value": ["1"] * _MANY}},
        {_PRIVATE: {"vr": "IS", "Value": [1] * _MANY}},
        {"00081140": {"vr": "SQ", "Value": [None] * _MANY}},
        {"00081140": {"vr": "SQ", "Value": [_nested(62)] * 5}},
        {**sets, _PRIVATE: {"vr": "UT", "Value": ["éй" * _MANY]}},
        {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "^" * _MANY}]}},
        {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "A=B=C"}] * _MANY}},
        {_PRIVATE: {"vr": "OB", "BulkDataURI": " " * _MANY}},
        {_PRIVATE: {"vr": "UN", "InlineBinary": "QUJD" * _MANY}},
        private,
    )
    image = seeds.model()
    return tuple(image | each for each in added)


def requests() -> tuple[bytes, ...]:
    """Return requests whose instances share bulk data, or refer to much of it."""
    references = {
        f"0009{number:04X}": {"vr": "OB", "BulkDataURI": "p"} for number in range(4096, 4096 + 99)
    }
    shared = {_PRIVATE: {"vr": "DS", "BulkDataURI": "p"}}
    image = seeds.model(PixelData="OW")
    frames = [bulk(b"", f"PixelData/frames/{number}") for number in range(1, 40)]
    return (
        seeds.request(metadata([image | shared] * 9), bulk(b"1\\" * _MANY, "p")),
        seeds.request(metadata([image | references]), bulk(bytes(_MANY), "p")),
        seeds.request(metadata([image]), *frames),
        seeds.request(metadata(_xml_of_private_creators(), XML), media_type=XML),
    )


def _xml_of_private_creators() -> str:
    attributes = "".join(
        f'<DicomAttribute tag="0009{number:04X}" vr="LO" privateCreator="c{number}"/>'
        for number in range(240)
    )
    items = "".join(f'<Item number="{number}"/>' for number in range(1, _MANY))
    sequence = f'<DicomAttribute tag="00081140" vr="SQ">{items}</DicomAttribute>'
    return f"<NativeDicomModel>{attributes}{sequence}</NativeDicomModel>"

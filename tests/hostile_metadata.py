"""Metadata that is made to cost its receiver too much: KINDS[name](size) returns the document.

``python -m tests.hostile_metadata [BYTES]`` measures each kind in a process of its own against the
rule: a second of processor time for a megabyte, and memory of five bodies and 50 MB.
"""

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from time import process_time
from typing import Any

from dicomweb.conformance import StorageProfile
from dicomweb.instances import receive
from dicomweb.payloads import candidates, read_parts
from dicomweb.timelimit import FOREVER, TimeLimit
from tests.yardstick import pace, unhindered

SECONDS_A_MEGABYTE = 1.0
BODIES, MEGABYTES = 5, 50
_MEGABYTE = 1_000_000

_IDS: dict[str, Any] = {
    "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"]},
    "00080018": {"vr": "UI", "Value": ["1.2.3.4"]},
    "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
    "0020000E": {"vr": "UI", "Value": ["1.2.3.5"]},
}
_SETS = {"00080005": {"vr": "CS", "Value": ["ISO 2022 IR 100", "ISO 2022 IR 144"]}}
_KANJI = {"00080005": {"vr": "CS", "Value": ["", "ISO 2022 IR 87"]}}
_ANY, _SEQUENCE, _NAMES = "00091010", "00081140", "00081070"


_PROGRAM = [sys.executable, "-m", "tests.hostile_metadata"]


def _json(*instances: object) -> bytes:
    return json.dumps(instances, ensure_ascii=False, separators=(",", ":")).encode()


def _one(more: dict[str, Any]) -> bytes:
    return _json({**_IDS, **more})


def _values(vr: str, *values: object, tag: str = _ANY) -> Callable[[int], bytes]:
    return lambda size: _one({tag: {"vr": vr, "Value": list(values) * size}})


def _text(text: str, around: dict[str, Any], vr: str = "UT") -> Callable[[int], bytes]:
    return lambda size: _one({**around, _ANY: {"vr": vr, "Value": [text * size]}})


def _items(*items: object) -> Callable[[int], bytes]:
    return _values("SQ", *items, tag=_SEQUENCE)


def _tags(size: int) -> Iterable[str]:
    """Return private tags that name no creator."""
    return (f"{0x00091000 + n // 0xEF00 * 0x20000 + n % 0xEF00:08X}" for n in range(size))


def _attributes(attribute: object) -> Callable[[int], bytes]:
    return lambda size: _one(dict.fromkeys(_tags(size), attribute))


def _number(before: str, digits: str) -> Callable[[int], bytes]:
    """Return documents with one number of many digits."""
    document = _one({_ANY: {"vr": "DS", "Value": ["here"]}})
    return lambda size: document.replace(b'"here"', (before + digits * size).encode())


def _deep(size: int) -> bytes:
    item: dict[str, Any] = {}
    for _ in range(62):
        item = {_SEQUENCE: {"vr": "SQ", "Value": [item]}}
    return _items(item)(size)


def _xml(inner: str) -> bytes:
    ids = "".join(
        f'<DicomAttribute tag="{tag}" vr="UI"><Value number="1">{each["Value"][0]}</Value>'
        "</DicomAttribute>"
        for tag, each in _IDS.items()
    )
    return f"<NativeDicomModel>{ids}{inner}</NativeDicomModel>".encode()


def _numbered(element: str, vr: str, tag: str = _ANY) -> Callable[[int], bytes]:
    def document(size: int) -> bytes:
        inner = "".join(element.format(number + 1) for number in range(size))
        return _xml(f'<DicomAttribute tag="{tag}" vr="{vr}">{inner}</DicomAttribute>')

    return document


def _xml_text(text: str) -> Callable[[int], bytes]:
    return lambda size: _numbered(f'<Value number="{{}}">{text * size}</Value>', "UT")(1)


def _each(element: str) -> Callable[[int], bytes]:
    return lambda size: _xml(
        "".join(element.format(tag, number) for number, tag in enumerate(_tags(size)))
    )


KINDS: dict[str, Callable[[int], bytes]] = {
    # values of JSON
    "number strings": _values("DS", "1"),
    "no values": _values("LO", ""),
    "nulls": _values("LO", None),
    "integers": _values("US", 1),
    "an integer out of range": lambda size: _one(
        {_ANY: {"vr": "US", "Value": [*([1] * size), 70000]}}
    ),
    "integers of either VR": lambda size: _one({"00280106": {"Value": [*([1] * size), -1]}}),
    "integers as text": _values("US", "1"),
    "integers as real numbers": _values("FD", 1),
    "real numbers": _values("FD", 0.5),
    "names of real numbers": _values("FL", "NaN"),
    "real numbers for text": _values("DS", 0.1),
    "real numbers that are too long": _values("DS", 0.12345678901234567),
    "tags": _values("AT", "00181063"),
    "uids": _values("UI", "1.2"),
    "arrays": _values("LO", []),
    "digits of an integer": _number("", "1"),
    "digits of a real number": _number("0.", "1"),
    "digits of an exponent": _number("1e", "1"),
    "digits as text": lambda size: _one({_ANY: {"vr": "FD", "Value": ["1" * size]}}),
    # names and text
    "names": _values("PN", {"Alphabetic": "A"}, tag=_NAMES),
    "empty names": _values("PN", {}, tag=_NAMES),
    "names of two character sets": lambda size: _one(
        {**_SETS, _NAMES: {"vr": "PN", "Value": ["é^й"] * size}}
    ),
    "carets": _text("^", {}, "PN"),
    "components": _text("é^", _SETS, "PN"),
    "two character sets": _text("éй", _SETS),
    "kanji": _text("山田", _KANJI),
    "kanji and letters": _text("a山", _KANJI),
    "many character sets": lambda size: _one(
        {"00080005": {"vr": "CS", "Value": ["ISO 2022 IR 100", "ISO 2022 IR 144"] * size}}
    ),
    "items with character sets": _items({**_SETS, _ANY: {"vr": "LO", "Value": ["éй"]}}),
    "an emoji": lambda size: _one({_ANY: {"vr": "UT", "Value": ["a" * size + "😀"]}}),
    "escaped text": lambda size: _text("@", {})(size).replace(b"@", b"\\u0041"),
    "escaped emoji": lambda size: _text("@", {})(size).replace(b"@", b"\\ud83d\\ude00"),
    "text like JSON": _text('{[,"', {}),
    # attributes and items
    "attributes": _attributes({}),
    "attributes with a VR": _attributes({"vr": "LO"}),
    "attributes that no dictionary has": lambda size: _one(
        {f"{0x00300000 + n // 0xEF00 * 0x20000 + n % 0xEF00:08X}": {} for n in range(1, size)}
    ),
    "attributes of small binary": _attributes({"vr": "UN", "InlineBinary": "AA=="}),
    "binary with blanks": lambda size: _one(
        {_ANY: {"vr": "UN", "InlineBinary": "A A A A " * size}}
    ),
    "keys": _attributes({f"key{n}": 1 for n in range(1000)}),
    "null items": _items(None),
    "empty items": _items({}),
    "items": _items({"00081150": {"vr": "UI", "Value": ["1.2"]}}),
    "items of a thousand attributes": _items(
        {f"0009{0x1000 + n:04X}": {"vr": "LO"} for n in range(1000)}
    ),
    "empty sequences": _items({_SEQUENCE: {"vr": "SQ", "Value": []}}),
    "deep items": _deep,
    "deep arrays": lambda size: b"[" * size,
    "instances": lambda size: _json(
        *({**_IDS, "00080018": {"vr": "UI", "Value": [f"1.2.3.{n}"]}} for n in range(size))
    ),
    "private creators": lambda size: _one(
        {
            f"{0x00090010 + n // 0xF0 * 0x20000 + n % 0xF0:08X}": {"vr": "LO", "Value": [f"c{n}"]}
            for n in range(size)
        }
    ),
    # XML
    "xml: empty items": _numbered('<Item number="{}"/>', "SQ", _SEQUENCE),
    "xml: empty values": _numbered('<Value number="{}"/>', "LO"),
    "xml: number strings": _numbered('<Value number="{}">1</Value>', "DS"),
    "xml: names": _numbered(
        '<PersonName number="{}"><Alphabetic><FamilyName>a</FamilyName></Alphabetic></PersonName>',
        "PN",
    ),
    "xml: items": _numbered(
        '<Item number="{}"><DicomAttribute tag="00090001" vr="LO" privateCreator="c"/></Item>',
        "SQ",
        _SEQUENCE,
    ),
    "xml: deep items": _numbered(
        '<Item number="{}">'
        + '<DicomAttribute tag="00081140" vr="SQ"><Item number="1">' * 60
        + "</Item></DicomAttribute>" * 60
        + "</Item>",
        "SQ",
        _SEQUENCE,
    ),
    "xml: attributes": _each('<DicomAttribute tag="{}"/>'),
    "xml: namespaces": _each('<DicomAttribute xmlns="u{1}" tag="{0}"/>'),
    "xml: private creators": lambda size: _xml(
        "".join(
            f'<DicomAttribute tag="0009{n % 256:04X}" vr="LO" privateCreator="c{n}"/>'
            for n in range(size)
        )
    ),
    "xml: other elements": _each("<a/>"),
    "xml: other names": _each("<a{1}/>"),
    "xml: xml attributes": lambda size: _xml(
        "<Item " + " ".join(f"a{n}=''" for n in range(size)) + "/>"
    ),
    "xml: comments": _xml_text("a<!---->"),
    "xml: processing instructions": _xml_text("a<?a?>"),
    "xml: cdata": _xml_text("<![CDATA[a]]>"),
    "xml: character references": _xml_text("&#65;"),
    "xml: lines": _xml_text("a\n"),
    "xml: text between elements": _each("a<Item/>"),
    "xml: missing values": _each(
        '<DicomAttribute tag="{0}" vr="LO"><Value number="9000">1</Value></DicomAttribute>'
    ),
    "xml: entities": lambda size: (
        b"<!DOCTYPE a [<!ENTITY b 'bbbbbbbb'>]><NativeDicomModel>%s</NativeDicomModel>"
        % (b"&b;" * size)
    ),
}


def of_bytes(kind: str, size: int) -> bytes:
    """Return a document of this kind that has about ``size`` bytes."""
    made = KINDS[kind]
    few, more = len(made(20)), len(made(60))
    number = 20 + max(0, size - few) * 40 // max(1, more - few)
    return made(max(1, number * size // max(1, len(made(number)))))


def receive_all(kind: str, document: bytes, time_limit: TimeLimit = FOREVER) -> list[object]:
    """Read, make and judge the instances that a request with this document has."""
    model = "application/dicom+xml" if kind.startswith("xml:") else "application/dicom+json"
    root_type, parts = read_parts(model, document)
    found = candidates(
        root_type,
        parts,
        url="https://host/studies",
        study_instance_uid=None,
        time_limit=time_limit,
    )
    profile = StorageProfile.ANY_STORAGE
    return [receive(each, study_instance_uid=None, profile=profile) for each in found]


def _high_water_mark() -> float:
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


def cost(kind: str, size: int) -> tuple[float, float, float]:
    """Return the megabytes of a document, the seconds and the megabytes that it costs."""
    for warm in ("number strings", "xml: empty values"):
        receive_all(warm, KINDS[warm](2))
    made = subprocess.run([*_PROGRAM, str(size), kind, "print"], check=True, capture_output=True)
    document = made.stdout
    pace_before = pace()
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    idle, before = _high_water_mark(), process_time()
    receive_all(kind, document)
    seconds, body = process_time() - before, len(document) / _MEGABYTE
    memory = _high_water_mark() - idle + body
    return body, unhindered(seconds, pace_before, pace()), memory


def is_kept(body: float, seconds: float, memory: float) -> bool:
    """Tell whether the rule is kept."""
    return seconds <= SECONDS_A_MEGABYTE * body and memory <= BODIES * body + MEGABYTES


def main(arguments: list[str]) -> int:
    """Measure one kind, or each in a process of its own; return 1 if a rule is broken."""
    size = int(arguments[0]) if arguments else _MEGABYTE
    if arguments[2:] == ["print"]:
        sys.stdout.buffer.write(of_bytes(arguments[1], size))
        return 0
    if len(arguments) > 1:
        body, seconds, memory = cost(arguments[1], size)
        kept = is_kept(body, seconds, memory)
        sys.stdout.write(
            f"{'kept  ' if kept else 'BROKEN'} {seconds / body:5.2f} s/MB {memory:6.1f} MB"
            f" of {BODIES * body + MEGABYTES:.0f}  {arguments[1]}\n"
        )
        return not kept
    programs = [[*_PROGRAM, str(size), kind] for kind in KINDS]
    return max([subprocess.run(program, check=False).returncode for program in programs])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Both models of data sets, made for the tests, and what of two data sets differs.

``native_xml`` is a writer of the Native DICOM Model by the letter of PS3.19 A.1, written apart
from what it tests. The DICOM JSON Model is written by pydicom.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from dicomweb.envelope.multipart import split

NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
WIRE = Path(__file__).parent / "wire"

BINARY = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "UN"])
IMAGE_PIXEL_MACRO = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
)
"""What of the Image Pixel Description Macro is Type 1 (PS3.3 Table C.7-11c)."""

_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def document(*attributes: str) -> memoryview:
    """Return a document without namespace that holds these attributes."""
    return memoryview(f"<NativeDicomModel>{''.join(attributes)}</NativeDicomModel>".encode())


def attribute(tag: str, vr: str, *values: str) -> str:
    """Return an attribute with values that are text."""
    inner = "".join(
        f'<Value number="{number}">{_escaped(value)}</Value>'
        for number, value in enumerate(values, start=1)
    )
    return f'<DicomAttribute tag="{tag}" vr="{vr}">{inner}</DicomAttribute>'


def native_xml(data_set: Dataset) -> memoryview:
    """Return the document for a data set, private attributes named by their creators."""
    inner = "".join(_attributes(data_set))
    return memoryview(
        f'<?xml version="1.0" encoding="UTF-8"?><NativeDicomModel xmlns="{NAMESPACE}"'
        f' xml:space="preserve">{inner}</NativeDicomModel>'.encode()
    )


def _attributes(data_set: Dataset) -> Iterator[str]:
    for element in data_set:
        tag, creator = element.tag, ""
        if tag.is_private_creator:
            continue
        if tag.is_private:
            creator = data_set[tag.group, tag.element >> 8].value
            tag = Tag(tag.group, tag.element & 0xFF)
        stated = f'tag="{tag:08X}" vr="{element.VR}"'
        if creator:
            stated += f' privateCreator="{_escaped(creator)}"'
        yield f"<DicomAttribute {stated}>{''.join(_content(element))}</DicomAttribute>"


def _content(element: DataElement) -> Iterator[str]:
    if element.VR == "SQ":
        for number, item in enumerate(element.value, start=1):
            yield f'<Item number="{number}">{"".join(_attributes(item))}</Item>'
    elif element.VR in BINARY and element.value:
        yield f"<InlineBinary>{b64encode(element.value).decode()}</InlineBinary>"
    elif not element.is_empty:
        values = element.value if element.VM > 1 else [element.value]
        for number, value in enumerate(values, start=1):
            if element.VR == "PN":
                yield f'<PersonName number="{number}">{_person_name(str(value))}</PersonName>'
            else:
                text = f"{value:08X}" if isinstance(value, BaseTag) else str(value)
                yield f'<Value number="{number}">{_escaped(text)}</Value>'


def _person_name(name: str) -> str:
    written = ""
    for group, text in zip(_GROUPS, name.split("="), strict=False):
        parts = zip(_COMPONENTS, text.split("^"), strict=False)
        inner = "".join(f"<{part}>{_escaped(value)}</{part}>" for part, value in parts if value)
        written += f"<{group}>{inner}</{group}>" if text else ""
    return written


def _escaped(text: str) -> str:
    for character in '&<>"\r':
        text = text.replace(character, f"&#{ord(character)};")
    return text


_letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"))
_texts = st.text(st.one_of(_letters, st.sampled_from("\r\n\t<&>\"'^= ")), max_size=12).filter(
    lambda text: "\\" not in text
)
_plain = st.text("ABC_12", max_size=8)
_component = st.text(_letters.filter(lambda letter: letter not in "^=\\"), max_size=5)
_names = st.lists(st.lists(_component, max_size=5).map("^".join), max_size=3).map(
    lambda groups: "=".join(group.rstrip("^") for group in groups).rstrip("=")
)
_decimals = st.one_of(
    st.integers(-(10**14), 10**14), st.floats(-1e6, 1e6).map(lambda x: f"{x:.6f}")
)
_single: Mapping[str, st.SearchStrategy[object]] = {
    "LT": _texts | st.just("a\\b"),
    "ST": _texts | st.just("\\"),
    "UR": st.just("http://127.0.0.1/a%20b"),
    "UT": _texts,
    **dict.fromkeys(("OB", "UN"), st.binary(max_size=20)),
    **dict.fromkeys(
        ("OD", "OF", "OL", "OV", "OW"), st.binary(max_size=3).map(lambda value: value * 8)
    ),
}
_multiple: Mapping[str, st.SearchStrategy[object]] = {
    "AE": _plain,
    "AS": st.just("012Y"),
    "AT": st.integers(0, 0xFFFFFFFF).map(Tag),
    "CS": _plain,
    "DA": st.just("20260102"),
    "DS": _decimals.map(str),
    "DT": st.just("20260102101112+0100"),
    "FD": st.floats(allow_nan=False),
    "FL": st.floats(width=32, allow_nan=False),
    "IS": st.integers(-(2**31), 2**31 - 1).map(str),
    "LO": _texts,
    "PN": _names,
    "SH": _texts,
    "SL": st.integers(-(2**31), 2**31 - 1),
    "SS": st.integers(-(2**15), 2**15 - 1),
    "SV": st.integers(-(2**63), 2**63 - 1),
    "TM": st.just("101112.5"),
    "UC": _texts,
    "UI": st.just("1.2.3.4"),
    "UL": st.integers(0, 2**32 - 1),
    "US": st.integers(0, 2**16 - 1),
    "UV": st.integers(0, 2**64 - 1),
}


@dataclass(frozen=True)
class _Stated:
    """An element to be: in a public group that no dictionary knows, or in a private block."""

    number: int
    creator: str
    vr: str
    value: object


def _states(vr: str, values: st.SearchStrategy[object]) -> st.SearchStrategy[_Stated]:
    creators = st.sampled_from(["", "", "ACME 1", "ACME <2>"])
    return st.builds(_Stated, st.integers(1, 0xFF), creators, st.just(vr), values)


_stated = st.one_of(
    *(_states(vr, values) for vr, values in _single.items()),
    *(
        _states(vr, values | st.lists(values, max_size=4) | st.none())
        for vr, values in _multiple.items()
    ),
)


def _made(stated: list[_Stated]) -> Dataset:
    made = Dataset()
    for one in stated:
        tag = 0x0F0E0000 | one.number
        if one.creator:
            tag = made.private_block(0x0009, one.creator, create=True).get_tag(one.number)
        made[tag] = DataElement(tag, one.vr, one.value)
    return made


def _with_items(children: st.SearchStrategy[Dataset]) -> st.SearchStrategy[Dataset]:
    sequences = st.lists(children, max_size=3).map(Sequence)
    return st.lists(_stated | _states("SQ", sequences), max_size=6).map(_made)


def _in_unicode(made: Dataset) -> Dataset:
    made.SpecificCharacterSet = "ISO_IR 192"
    return made


data_sets = st.recursive(st.lists(_stated, max_size=8).map(_made), _with_items, max_leaves=6).map(
    _in_unicode
)
"""Data sets of all VRs, with several values and empty ones, items and private blocks."""


def differences(one: Dataset, other: Dataset, path: str = "") -> set[str]:
    """Return where two data sets differ, padding and delimiters at the end of names aside."""
    found: set[str] = set()
    for tag in sorted(one.keys() | other.keys()):
        place = f"{path}({tag >> 16:04X},{tag & 0xFFFF:04X})"
        if tag in one and tag in other:
            found |= _element_differences(one[tag], other[tag], place)
        else:
            found.add(place)
    return found


def _element_differences(one: DataElement, other: DataElement, place: str) -> set[str]:
    if one.VR == other.VR == "SQ" and len(one.value) == len(other.value):
        pairs = enumerate(zip(one.value, other.value, strict=True), start=1)
        found = [differences(*items, f"{place}[{number}] > ") for number, items in pairs]
        return set().union(*found)
    same = one.VR == other.VR and _significant(one) == _significant(other)
    return set() if same else {place}


def _significant(element: DataElement) -> object:
    if element.is_empty:
        return None
    value = element.value
    if element.VR in ("DS", "IS"):
        return _numbers(value)
    if element.VR == "PN" or isinstance(value, str):
        name = "\\".join(map(str, value)) if element.VM > 1 else str(value)
        return [part.rstrip(" ^=") for part in name.split("\\")] if name.strip(" ^=\\") else None
    if element.VM > 1 and isinstance(value[0], str):
        return [text.rstrip(" ") for text in value]
    return value


def _numbers(value: object) -> list[float | str]:
    """Return decimal numbers of any spelling, and as text what is none."""
    texts = value.split("\\") if isinstance(value, str) else value
    values = texts if isinstance(texts, list | MultiValue) else [texts]
    return [_number(str(each)) for each in values]


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text.strip()


def wire_parts(name: str) -> list[tuple[Mapping[str, str], memoryview]]:
    """Return header and content of each part of a request that was captured."""

    head, _, payload = (WIRE / f"{name}.http").read_bytes().partition(b"\r\n\r\n")
    boundary = head.split(b"boundary=")[1].split(b"\r\n")[0].split(b";")[0].strip(b'"')
    return [(part.headers, part.content) for part in split(payload, boundary.decode())]

"""Change a document in JSON or XML by its nodes: one is left out, repeated, moved or replaced."""

import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from lxml import etree

from tests.fuzz.mutations import CANARY, Chance, change_bytes, times

_VRS = "AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN"
VRS = (*_VRS.split(), "UR", "US", "UT", "UV", "", "ZZ", CANARY)
TAGS = (
    *("00080005", "00080016", "00080018", "0020000D", "0020000E", "00100010", "00091010"),
    *("7FE00010", "7FE00008", "00420011", "00420012", "00420015", "00081140", "00280008"),
    *("00280010", "00280100", "00020010", "00080000", "00090010", "FFFEE000", "0009", CANARY),
    *("00189346", "60003000", "0028 0010", "7FE00001", "00287FE0", "50xx0005", "54000110"),
)
TEXTS = (
    *("", " ", "\\", "1", "-1", "1.5", "1e400", "NaN", "20261399", "^" * 40, "=" * 5, "1.2.3"),
    *("é", "é日本", "ISO_IR 100", "ISO 2022 IR 87", "ISO 2022 IR 149", "ISO_IR 192", "GB18030"),
    *("QUJD", "QUJ", "=", "p", "p/frames/1,2,3", "http://[", "\0", "\U0001f600", CANARY, "9" * 40),
)
Node = Any
"""Whatever a document in JSON holds."""

_JSON: tuple[Node, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**31,
    2**63,
    2**64,
    10**30,
    1e308,
    [],
    {},
    [[]],
    [None],
    *TEXTS,
)
_KEYS = ("vr", "Value", "InlineBinary", "BulkDataURI", "Alphabetic", "Ideographic", "Phonetic")
_NAMES = ("DicomAttribute", "Item", "Value", "PersonName", "Alphabetic", "FamilyName", "BulkData")
_FIELDS = ("tag", "vr", "keyword", "privateCreator", "number", "uri", "uuid", CANARY)
_DEPTHS = (1, 2, 30, 62, 64, 500)


def change_json(chance: Chance, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change one node of a document in JSON."""
    try:
        document = [json.loads(data)]
    except (ValueError, RecursionError):
        return change_bytes(chance, data, others)
    try:
        holder, at = _place(chance, document)
        _change_node(chance, holder, at)
        return json.dumps(document[0] if document else None, ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )
    except RecursionError:
        return change_bytes(chance, data, others)


def _place(chance: Chance, document: list[Node]) -> tuple[Node, Any]:
    """Go down from the root; each step may be the last one."""
    holder: Node = document
    at: Any = 0
    while isinstance(inner := holder[at], dict | list) and inner and chance.random() < 0.85:
        keys = list(inner) if isinstance(inner, dict) else range(len(inner))
        holder, at = inner, chance.choice(keys)
    return holder, at


def _change_node(chance: Chance, holder: Node, at: Any) -> None:  # noqa: ANN401 - a key or a place
    node = holder[at]
    size = len(json.dumps(node))
    kind = chance.randrange(7)
    if kind == 0:
        del holder[at]
    elif kind == 1 and isinstance(holder, list):
        holder[at:at] = [node] * times(chance, size)
    elif kind <= 2 and isinstance(holder, dict):
        holder[chance.choice((*TAGS, *_KEYS))] = holder.pop(at) if kind == 1 else deepcopy(node)
    elif kind == 3:
        for _ in range(chance.choice(_DEPTHS)):
            node = {"00081140": {"vr": "SQ", "Value": [node]}}
        holder[at] = node
    elif kind == 4 and isinstance(node, str) and node:
        holder[at] = node * times(chance, size)
    elif at == "vr":
        holder[at] = chance.choice(VRS)
    else:
        holder[at] = deepcopy(chance.choice(_JSON))


def change_xml(chance: Chance, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change one element of a document in XML."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return change_bytes(chance, data, others)
    element = chance.choice([each for each in root.iter() if isinstance(each.tag, str)])
    parent = element.getparent()
    if parent is None or chance.random() < 0.5:
        _change_element(chance, element)
    else:
        _change_children(chance, parent, element)
    return etree.tostring(root, encoding="UTF-8")


def _change_element(chance: Chance, element: "etree._Element") -> None:
    name = chance.choice((*map(str, element.attrib), *_FIELDS))
    kind = chance.randrange(5)
    if kind == 0:
        element.attrib.pop(name, None)
    elif kind == 1:
        element.set(name, _xml(chance.choice({"tag": TAGS, "vr": VRS}.get(name, TEXTS))))
    elif kind == 2:
        element.text = _xml(chance.choice(TEXTS))
    elif kind == 3:
        element.text = (element.text or "x") * times(chance, len(element.text or "x"))
    else:
        namespace = etree.QName(element).namespace
        element.tag = etree.QName(namespace, chance.choice(_NAMES)).text


def _change_children(chance: Chance, parent: "etree._Element", element: "etree._Element") -> None:
    at = parent.index(element)
    kind = chance.randrange(4)
    if kind == 0:
        parent.remove(element)
    elif kind == 1:
        for _ in range(times(chance, len(etree.tostring(element)))):
            parent.insert(at, deepcopy(element))
    elif kind == 2:
        parent.insert(chance.randrange(len(parent) + 1), element)
    else:
        for _ in range(chance.choice(_DEPTHS[:-1])):
            item = etree.Element(etree.QName(etree.QName(element).namespace, "Item"))
            sequence = etree.Element("DicomAttribute", tag="00081140", vr="SQ")
            parent.replace(element, sequence)
            sequence.append(item)
            item.append(element)
            parent = item


def _xml(text: str) -> str:
    return text.replace("\0", "")

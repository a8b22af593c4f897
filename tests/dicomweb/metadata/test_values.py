"""Bulk data as the value of an element of each VR."""

import struct

import pytest

from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import InstanceRejected
from dicomweb.metadata.budget import Budget
from dicomweb.metadata.dataelements import DataSet
from dicomweb.metadata.elements import empty_element
from dicomweb.metadata.values import set_value
from dicomweb.reasons import FailureReason
from tests.shown import held


def value(vr: str, content: bytes, *encodings: str, tag: int = 0x00091001) -> object:
    data_set = DataSet({tag: empty_element(vr)})
    part = BodyPart(number=1, headers={}, content=memoryview(content))
    set_value(data_set, tag, part, encodings or ("ascii",), Budget(1000))
    return held(data_set[tag])


@pytest.mark.parametrize(
    ("vr", "content", "expected"),
    [
        *((vr, b"\1\2\3", b"\1\2\3") for vr in ("OB", "OW", "OF", "OD", "OL", "OV", "UN")),
        ("US", b"\1\2", 0x201),
        ("US", b"\1\0\2\0", [1, 2]),
        ("SS", b"\xff\xff", -1),
        ("UL", b"\1\0\0\0", 1),
        ("SL", b"\xff\xff\xff\xff", -1),
        ("UV", b"\1" + bytes(7), 1),
        ("SV", b"\xff" * 8, -1),
        ("FL", struct.pack("<2f", 0.5, -1), [0.5, -1]),
        ("FD", struct.pack("<d", 0.1), 0.1),
        ("IS", b"1\\22 ", "1\\22"),
        ("IS", b"14.5", "14.5"),
        ("DS", b"1.50", "1.50"),
        ("DS", b"1,5 ", "1,5"),
        ("DS", "½".encode(), "½"),
        ("UT", "ü\\x".encode(), "ü\\x"),
        ("UC", "ü\\x".encode(), ["ü", "x"]),
        ("LT", b"a\r\nb", "a\r\nb"),
        ("ST", b"a", "a"),
    ],
)
def test_a_value_field_is_read_by_its_vr(vr: str, content: bytes, expected: object) -> None:
    assert value(vr, content, "utf8") == expected


@pytest.mark.parametrize(
    ("vr", "content"),
    [
        ("US", b"\1"),
        ("FD", bytes(7)),
        ("IS", b"\xff"),
        ("UT", b"\xff"),
    ],
)
def test_what_is_no_value_of_the_vr_is_refused(vr: str, content: bytes) -> None:
    with pytest.raises(InstanceRejected) as refusal:
        value(vr, content)
    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND


def test_an_empty_part_is_an_empty_value() -> None:
    assert not value("US", b"")
    assert not value("OB", b"")
    assert value("UT", b"") == ""


def test_an_icon_is_uncompressed() -> None:
    data_set = DataSet({0x7FE00010: empty_element("OB")})
    headers = {"content-type": "image/jpeg"}
    part = BodyPart(number=1, headers=headers, content=memoryview(b"\xff\xd8"))
    with pytest.raises(InstanceRejected) as refusal:
        set_value(data_set, 0x7FE00010, part, ("ascii",), Budget(1000))
    assert refusal.value.reason == FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED
    assert value("OW", b"\1\2", tag=0x7FE00010) == b"\1\2"


@pytest.mark.parametrize(
    ("content", "encodings"),
    [
        ("\N{GRINNING FACE}".encode() + b"a" * 400, ("utf8",)),
        (b"\x1b-A\xe9" * 8, ("ascii", "latin_1")),
    ],
)
def test_text_that_takes_more_than_its_bytes_needs_room(
    content: bytes, encodings: tuple[str, ...]
) -> None:
    with pytest.raises(InstanceRejected) as refusal:
        value("UT", content, *encodings)
    assert refusal.value.reason == FailureReason.OUT_OF_RESOURCES

"""In which character sets an instance of metadata is written."""

from base64 import b64encode
from typing import cast

import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from dicomweb.attributes import TAGS, index_attributes
from dicomweb.errors import InstanceRejected
from dicomweb.metadata import charactersets, writer
from dicomweb.metadata.charactersets import decode
from dicomweb.metadata.dataelements import DataSet, Element
from dicomweb.part10.file import read_file_meta
from dicomweb.part10.walker import walk
from tests.shown import from_dataset


def made(charset: str | list[str] | None, name: str, **attributes: object) -> Dataset:
    data_set = Dataset()
    if charset is not None:
        data_set.SpecificCharacterSet = charset
    data_set.PatientName = name
    for keyword, value in attributes.items():
        setattr(data_set, keyword, value)
    return data_set


def settled(data_set: Dataset) -> DataSet:
    settled = from_dataset(data_set)
    charactersets.settle(settled)
    return settled


def declared(data_set: DataSet) -> object:
    return data_set[0x00080005].value if 0x00080005 in data_set else None


def held_text(data_set: DataSet) -> bytes:
    text = data_set[0x00100010].value
    return text.encode() if isinstance(text, str) else bytes(cast("bytes", text))


def items(data_set: DataSet) -> list[DataSet]:
    return cast("list[DataSet]", data_set[0x00081120].value)


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        (None, "Mueller"),
        ("", "Mueller"),
        ("ISO_IR 6", "Mueller"),
        ("ISO_IR 100", "Müller^Jürgen"),
        ("ISO_IR 144", "Люксембург"),
        ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
        ("GBK", "Wang^XiaoDong=王^小东"),
        ("ISO_IR 192", "Müller=山田"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["", "ISO 2022 IR 58"], "Zhang^San=张^三"),
        (["ISO 2022 IR 100", "ISO 2022 IR 58"], "Müller=张^三"),
        ("ISO_IR 203", "Cœur^€"),
        (["", "ISO 2022 IR 203"], "Cœur^€"),
        (["ISO 2022 IR 6", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
        (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
    ],
)
def test_a_character_set_that_holds_the_text_is_kept(
    charset: str | list[str] | None, name: str
) -> None:
    data_set = made(charset, name)
    assert declared(settled(data_set)) == declared(from_dataset(data_set))


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        (None, "Müller"),
        ("", "Müller"),
        ("ISO_IR 6", "Müller"),
        ("ISO_IR 100", "山田"),
        ("ISO_IR 13", "Müller"),
        ("ISO_IR 999", "Mueller"),
        (["", "ISO 2022 IR 87"], "Müller"),
        (["", "ISO 2022 IR 999"], "Mueller"),
        (["ISO_IR 100", "ISO_IR 192"], "Müller"),
    ],
)
def test_one_that_does_not_becomes_unicode(charset: str | list[str] | None, name: str) -> None:
    data_set = settled(made(charset, name))
    assert declared(data_set) == "ISO_IR 192"
    assert held_text(data_set) == name.encode()


def test_other_text_than_names_counts() -> None:
    data_set = made("ISO_IR 100", "Mueller", OtherPatientIDs=["1", "山"])
    assert declared(settled(data_set)) == "ISO_IR 192"


def test_items_have_the_character_sets_that_they_declare_or_their_parents() -> None:
    cyrillic, latin = made("ISO_IR 144", "Люксембург"), made(None, "Müller")
    data_set = settled(made("ISO_IR 100", "Müller", ReferencedPatientSequence=[cyrillic, latin]))
    first, second = items(data_set)
    assert (declared(data_set), declared(first), declared(second)) == (
        "ISO_IR 100",
        "ISO_IR 144",
        None,
    )
    assert held_text(first) == "Люксембург".encode("iso8859_5")
    assert held_text(second) == "Müller".encode("latin_1")


def test_one_text_that_does_not_fit_makes_all_of_it_unicode() -> None:
    cyrillic = made("ISO_IR 144", "山田")
    data_set = settled(made("ISO_IR 100", "Müller", ReferencedPatientSequence=[cyrillic]))
    assert declared(data_set) == "ISO_IR 192"
    assert [declared(item) for item in items(data_set)] == [None]


@pytest.mark.parametrize(
    ("value", "encodings", "text"),
    [
        (b"M\xfcller", ["latin_1"], "Müller"),
        (b"plain", [], "plain"),
        (b"\x1b$B;3ED\x1b(B", ["ascii", "iso2022_jp"], "山田"),
    ],
)
def test_bulk_text_is_decoded(value: bytes, encodings: list[str], text: str) -> None:
    assert decode(value, encodings) == text


@pytest.mark.parametrize("encodings", [["utf8"], [], ["ascii", "iso2022_jp"]])
def test_bulk_text_in_another_character_set_is_refused(encodings: list[str]) -> None:
    with pytest.raises(InstanceRejected, match="text in the character set"):
        decode(b"M\xfcller", encodings)


def test_no_text_is_lost_in_what_is_not_text() -> None:
    data_set = made(None, "", PixelData=b64encode(b"\xff"))
    data_set["PixelData"].VR = "OB"
    assert declared(settled(data_set)) is None


@pytest.mark.parametrize(
    ("charset", "name", "written"),
    [
        (["", "ISO 2022 IR 58"], "Zhang^San=张^三", b"Zhang^San=\x1b$)A\xd5\xc5^\x1b$)A\xc8\xfd"),
        ("ISO_IR 203", "Cœur^€", b"C\xbdur^\xa4"),
    ],
)
def test_what_is_kept_is_written_with_its_escape_sequences_and_read_again(
    charset: str | list[str], name: str, written: bytes
) -> None:
    content = writer.write(settled(made(charset, name)), ExplicitVRLittleEndian)

    assert written in bytes(content)
    file_meta = read_file_meta(content)
    found = walk(content, start=file_meta.data_set_offset, implicit_vr=False, wanted=TAGS)
    assert index_attributes(found.elements).study["PatientName"] == name


def test_bulk_text_of_too_many_escape_sequences_is_refused() -> None:
    assert decode(b"\x1b(B" * 50_000, ["ascii", "iso2022_jp"]) == ""
    with pytest.raises(InstanceRejected, match="at most 50000 escape sequences"):
        decode(b"\x1b(B" * 50_001, ["ascii", "iso2022_jp"])


def test_a_character_set_that_is_no_text_is_unknown() -> None:
    data_set = DataSet({0x00080005: Element("UN", b"ISO_IR 100")})
    charactersets.settle(data_set)
    assert declared(data_set) == "ISO_IR 192"


def test_each_text_switches_between_character_sets_as_it_needs() -> None:
    sets = ["ISO 2022 IR 100", "ISO 2022 IR 144"]
    data_set = settled(made(sets, "é^й", PatientComments="йé", PatientID="a"))
    assert held_text(data_set) == b"\xe9^\x1b-L\xd9"
    assert data_set[0x00104000].value == b"\x1b-L\xd9\x1b-A\xe9"
    assert data_set[0x00100020].value == "a"

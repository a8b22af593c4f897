"""Metadata of an instance is read from its first bytes (PS3.18 10.4)."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from archive.retrieval import Retrieval
from dicomweb.errors import InstanceRejected
from dicomweb.part10.file import read_file_meta
from dicomweb.retrieval import jsonvalues, metadata
from dicomweb.retrieval.refusals import NotAcceptable
from tests.builders import data_set, instance, part10, series_uid, sop_uid, study_uid
from tests.retrieve.conftest import Get, Keep

BASE = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/dicomweb"
EXPLICIT = "1.2.840.10008.1.2.1"


def uids(study: int) -> tuple[str, str, str]:
    return study_uid(study), series_uid(study), sop_uid(study)


def found(get: Get, study: int, **wanted: Any) -> dict[str, Any]:  # noqa: ANN401 - passed on
    reply = get(*uids(study), below="/metadata", **wanted)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/dicom+json"
    (read,) = json.loads(reply.body)
    return dict(read)


def encoded(content: bytes, syntax: str = EXPLICIT) -> dict[str, Any]:
    text = metadata.encode(lambda start, end: content[start:end], len(content), syntax, "https://x")
    (read,) = json.loads(text)
    return dict(read)


def test_attributes_are_returned_and_pixel_data_is_named(keep: Keep, get: Get) -> None:
    keep(instance(21))
    read = found(get, 21)
    url = f"{BASE}/studies/{study_uid(21)}/series/{series_uid(21)}/instances/{sop_uid(21)}"
    assert read["7FE00010"] == {"vr": "OW", "BulkDataURI": url}
    assert read["00100010"]["Value"] == [{"Alphabetic": "Planted^Name21"}]
    assert read["00280010"]["Value"] == [4]
    original = data_set(21)
    del original.PixelData
    expected = original.to_json_dict()
    assert {tag: read[tag] for tag in expected} == expected


def test_pixel_data_is_never_read(keep: Keep, get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    large = instance(22, Rows=1024, Columns=1024, PixelData=bytes(2 * 1024 * 1024))
    keep(large)
    asked = []
    whole = Retrieval._read_once

    def seen(retrieval: Retrieval, key: str, wanted: dict[str, str]) -> bytes:
        asked.append(wanted["Range"])
        return whole(retrieval, key, wanted)

    monkeypatch.setattr(Retrieval, "_read_once", seen)
    assert found(get, 22)["00280010"]["Value"] == [1024]
    assert asked == ["bytes=0-262143"]


def test_whoever_has_it_already_is_told_so(keep: Keep, get: Get) -> None:
    keep(instance(23))
    reply = get(*uids(23), below="/metadata")
    known = {"Accept": "*/*", "If-None-Match": reply.headers["ETag"]}
    assert get(*uids(23), below="/metadata", headers=known).status == 304


def test_an_unknown_instance_is_404_and_xml_is_406(keep: Keep, get: Get) -> None:
    keep(instance(24))
    assert get(*uids(95), below="/metadata").status == 404
    xml = {"Accept": 'multipart/related; type="application/dicom+xml"'}
    assert get(*uids(24), below="/metadata", headers=xml).status == 406


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_other_transfer_syntaxes_have_the_same_metadata(syntax: str) -> None:
    image = data_set(PixelRepresentation=1, SmallestImagePixelValue=-5)
    image["SmallestImagePixelValue"].VR = "SS"
    read = encoded(part10(image, syntax), syntax)
    assert read == encoded(part10(image), EXPLICIT)
    assert read["00280106"] == {"vr": "SS", "Value": [-5]}


FILES = [
    "chrSQEncoding.dcm",
    "chrH32.dcm",
    "rtplan.dcm",
    "nested_priv_SQ.dcm",
    "MR_small_implicit.dcm",
    "image_dfl.dcm",
    "examples_overlay.dcm",
    "reportsi.dcm",
    "UN_sequence.dcm",
    "badVR.dcm",
    "JPEG2000.dcm",
]


@pytest.mark.parametrize("name", FILES)
def test_files_of_others_are_read_as_pydicom_reads_them(name: str) -> None:
    (path,) = Path(str(files("pydicom") / "data")).rglob(name)
    content = path.read_bytes()
    file = dcmread(path)
    read = encoded(content, file.file_meta.TransferSyntaxUID)
    expected = file.to_json_dict(
        bulk_data_threshold=1024,
        bulk_data_element_handler=lambda _: "https://x",
        suppress_invalid_tags=True,
    )
    for tag, attribute in expected.items():
        # Pixel data is never inline, nor anything after it; what is private has no VR; and pydicom
        # shows an empty value as "".
        if tag < "7FE0" and int(tag[3], 16) % 2 == 0 and tag != "00080005":
            assert plain(read[tag]) == plain(attribute), tag


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    match value:
        case dict():
            return {
                name: plain(each)
                for name, each in value.items()
                if each not in ([], None) and name != "00080005"
            }
        case list():
            return [plain(each) for each in value]
        case str():
            return value.strip() or None
    return value


class TestLongValues:
    """What is before the pixel data may be long, and is skipped or read in pieces."""

    def test_long_bulk_data_is_skipped_and_what_follows_is_read(self) -> None:
        image = data_set(EncapsulatedDocument=bytes(3_000_000), PixelData=None)
        image["EncapsulatedDocument"].VR = "OB"
        image.ContentQualification = "PRODUCT"
        image.add_new(0x00990010, "LO", "CREATOR")
        image.add_new(0x00991001, "UT", "x" * 300_000)
        image.add_new(0x00990011, "LO", "OTHER")
        content = part10(image)
        fetched = []

        def fetch(start: int, end: int) -> bytes:
            fetched.append(end - start)
            return content[start:end]

        (read,) = json.loads(metadata.encode(fetch, len(content), EXPLICIT, "https://x"))
        assert read["00420011"] == {"vr": "OB", "BulkDataURI": "https://x"}
        assert len(read["00991001"]["Value"][0]) == 300_000
        assert read["00990011"]["Value"] == ["OTHER"]
        assert sum(fetched) < 2_500_000

    def test_a_long_sequence_is_read_as_a_whole(self) -> None:
        item = Dataset()
        item.CodeMeaning = "x" * 60
        image = data_set(PixelData=None)
        image.AnatomicRegionSequence = [item] * 6000
        read = encoded(part10(image))
        assert len(read["00082218"]["Value"]) == 6000

    def test_more_than_is_read_is_406(self, keep: Keep, get: Get) -> None:
        image = data_set(25)
        image.add_new(0x00990010, "LO", "CREATOR")
        image.add_new(0x00991001, "UT", "x" * 4_200_000)
        keep(part10(image))
        reply = get(*uids(25), below="/metadata")
        assert reply.status == 406
        assert "retrieve the instance itself" in reply.body

    def test_a_large_deflated_instance_is_not_read(self) -> None:
        with pytest.raises(NotAcceptable):
            metadata.encode(lambda *_: b"", 5_000_000, DeflatedExplicitVRLittleEndian, "https://x")

    def test_what_does_not_fit_into_an_answer_is_not_returned(self) -> None:
        image = data_set(PixelData=None)
        image.add_new(0x00990010, "LO", "CREATOR")
        image.add_new(0x00991001, "UT", '"' * 2_600_000)
        with pytest.raises(NotAcceptable):
            encoded(part10(image))

    def test_a_long_file_meta_is_read_as_a_whole(self) -> None:
        content = part10(data_set())
        private = b"\x02\x00\x02\x01OB\x00\x00" + (300_000).to_bytes(4, "little") + bytes(300_000)
        start = read_file_meta(memoryview(content)).data_set_offset
        read = encoded(content[:start] + private + content[start:])
        assert read["00280010"]["Value"] == [4]

    @pytest.mark.parametrize("content", [b"", part10(data_set())[:100]])
    def test_what_is_no_file_is_no_metadata(self, content: bytes) -> None:
        with pytest.raises(InstanceRejected):
            encoded(content)

    def test_what_breaks_is_no_metadata(self) -> None:
        with pytest.raises(InstanceRejected):
            encoded(part10(data_set(PixelData=None))[:-1])


def explicit(*elements: bytes) -> bytes:
    """Return a file whose data set is these elements."""
    content = part10(data_set())
    return content[: read_file_meta(memoryview(content)).data_set_offset] + b"".join(elements)


ITEM = b"\xfe\xff\x00\xe0"
END_OF_ITEM = b"\xfe\xff\x0d\xe0\0\0\0\0"
END = b"\xfe\xff\xdd\xe0\0\0\0\0"
UNDEFINED = b"\xff\xff\xff\xff"
ICONS = b"\x88\x00\x00\x02SQ\0\0"


class TestSequences:
    def test_an_encapsulated_icon_is_bulk_data_too(self) -> None:
        pixels = b"\xe0\x7f\x10\x00OB\0\0" + UNDEFINED
        fragments = ITEM + b"\0\0\0\0" + ITEM + b"\4\0\0\0\1\2\3\4" + END
        icon = ITEM + UNDEFINED + pixels + fragments + END_OF_ITEM
        read = encoded(explicit(ICONS + UNDEFINED + icon + END, b"\x90\0\0\0US\2\0\1\0"))
        assert read["00880200"]["Value"] == [{"7FE00010": {"vr": "OB", "BulkDataURI": "https://x"}}]
        assert read["00900000"]["Value"] == [1]

    def test_a_sequence_of_unknown_vr_is_in_implicit_vr(self) -> None:
        rows = b"\x28\x00\x10\x00\2\0\0\0\5\0"
        unknown = b"\x99\x00\x01\x10UN\0\0" + UNDEFINED
        read = encoded(explicit(unknown + ITEM + b"\x0a\0\0\0" + rows + END))
        assert read["00991001"] == {
            "vr": "SQ",
            "Value": [{"00280010": {"vr": "US", "Value": [5]}}],
        }

    def test_what_an_item_says_of_its_values_ends_with_it(self) -> None:
        character_set = b"\x08\0\x05\0CS\x0a\0ISO_IR 192"
        unsigned = ITEM + UNDEFINED + b"\x28\0\x03\x01\2\0\0\0\0\0" + END_OF_ITEM
        signed = b"\x28\0\x03\x01US\2\0\1\0"
        icons = b"\x88\0\0\2UN\0\0" + UNDEFINED + unsigned + END
        smallest = ITEM + b"\x0a\0\0\0" + b"\x28\0\x06\x01\2\0\0\0\xff\xff"
        values = b"\x99\0\1\x10UN\0\0" + UNDEFINED + smallest + END
        read = encoded(explicit(character_set, signed, icons, values))
        assert read["00991001"]["Value"] == [{"00280106": {"vr": "SS", "Value": [-1]}}]

    def test_the_character_set_of_an_item_that_is_read_twice_ends_with_it(self) -> None:
        latin = b"\x08\0\x05\0CS\x0a\0ISO_IR 100"
        unicode = b"\x08\0\x05\0CS\x0a\0ISO_IR 192"
        comment = b"\x20\0\0\x40LT\0\xf0" + bytes(0xF000)
        # The bytes that are read first end within this item.
        item = ITEM + UNDEFINED + unicode + comment * 5 + END_OF_ITEM
        name = b"\x90\0\1\0LO\4\0\xfcber"
        read = encoded(explicit(latin, ICONS + UNDEFINED + item + END, name))
        assert read["00900001"]["Value"] == ["\xfcber"]

    def test_padding_at_the_end_is_nothing(self) -> None:
        assert set(encoded(explicit(b"\x28\0\x10\0US\2\0\5\0", bytes(20)))) == {"00280010"}

    def test_a_zero_at_the_end_of_what_is_read_first_is_no_padding(self) -> None:
        overlay = b"\x00\x60\x10\x00US\2\0\5\0"
        head = b"\x28\0\x10\0OB\0\0"
        zeros = bytes(256 * 1024 - len(explicit(head)) - 5)
        read = encoded(explicit(head, len(zeros).to_bytes(4, "little"), zeros, overlay))
        assert read["60000010"]["Value"] == [5]

    @pytest.mark.parametrize(
        "sequence",
        [
            ICONS + UNDEFINED + b"\x28\0\x10\0US\2\0\5\0" + END,
            ICONS + UNDEFINED + ITEM + UNDEFINED + ITEM + b"\0\0\0\0" + END_OF_ITEM + END,
            (ICONS + UNDEFINED + ITEM + UNDEFINED) * 65 + (END_OF_ITEM + END) * 65,
            ICONS + b"\x50\0\0\0" + ITEM + b"\0\0\0\0",
        ],
    )
    def test_what_is_no_sequence_is_no_metadata(self, sequence: bytes) -> None:
        with pytest.raises(InstanceRejected):
            encoded(explicit(sequence))


class TestValues:
    @pytest.mark.parametrize(
        ("vr", "value", "expected"),
        [
            ("US", b"\1\0\2\0", [1, 2]),
            ("AT", b"\x28\0\x10\0", ["00280010"]),
            ("FD", b"\0\0\0\0\0\0\xf8\x3f", [1.5]),
            ("FL", b"\0\0\xc0\x7f", ["NaN"]),
            ("FL", b"\0\0\x80\x7f", ["Infinity"]),
            ("FL", b"\0\0\x80\xff", ["-Infinity"]),
            ("DS", b"1.50\\2\\x\\", [1.5, 2, "x", None]),
            ("DS", b"1e999\\" + b"7" * 5000, ["1e999", "7" * 5000]),
            ("IS", b" 7 \\1.5", [7, "1.5"]),
            ("LT", b" a\\b ", [" a\\b"]),
            ("LO", b"\xff", ["\N{REPLACEMENT CHARACTER}"]),
            ("PN", b"A^B\\=C", [{"Alphabetic": "A^B"}, {"Ideographic": "C"}]),
        ],
    )
    def test_values_are_what_the_json_model_has(
        self, vr: str, value: bytes, expected: list[object]
    ) -> None:
        assert jsonvalues.encode(vr, value, ("ascii",)) == {"Value": expected}

    @pytest.mark.parametrize("vr", ["US", "LO", "OB", "PN", "FD"])
    def test_an_empty_value_is_left_out(self, vr: str) -> None:
        assert jsonvalues.encode(vr, b"", ("ascii",)) == {}

    @pytest.mark.parametrize(("vr", "value"), [("US", b"\1"), ("UN", b"\1"), ("ZZ", b"\1")])
    def test_other_values_are_bytes(self, vr: str, value: bytes) -> None:
        assert jsonvalues.encode(vr, value, ("ascii",)) == {"InlineBinary": "AQ=="}

    @pytest.mark.parametrize(
        ("tag", "vr"),
        [
            (0x00080000, "UL"),
            (0x00990010, "LO"),
            (0x00991001, "UN"),
            (0x00081234, "UN"),
            (0x00280106, "US"),
            (0x7FE00010, "OW"),
        ],
    )
    def test_implicit_vr_is_that_of_the_dictionary(self, tag: int, vr: str) -> None:
        assert jsonvalues.vr_of(tag, None, is_signed=False) == vr

"""Rows 81-106 of docs/conformance.md: metadata and bulk data."""

import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames

from archive.objects import key_of
from tests.builders import data_set, part, sop_uid, study_uid
from tests.dicomweb.codestreams.bitstreams import file
from tests.models import IMAGE_PIXEL_MACRO, native_xml
from tests.split_bulk_data import JSON, XML, bulk, metadata, post

if TYPE_CHECKING:
    from tests.answers import Answer
    from tests.service import RunningService

EXPLICIT = "1.2.840.10008.1.2.1"
BASELINE, SV1 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70"
PIXELS = bytes(range(32))
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.7.4"
PDF, VIDEO = "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.77.1.4.1"

Model = dict[str, Any]


def model(row: int, number: int = 1, uri: str | None = "pixels", **attributes: object) -> Model:
    """Return the JSON of a small CT image whose pixel data is at ``uri``, if it has any."""
    known: Model = attributes
    made: Model = data_set(row, 1, number, PixelData=None, **known).to_json_dict()
    if uri:
        made["7FE00010"] = {"vr": "OW", "BulkDataURI": uri}
    return made


def image(row: int, **attributes: object) -> Model:
    """Return the JSON of a secondary capture that says nothing of its pixels."""
    described: Model = {**dict.fromkeys(IMAGE_PIXEL_MACRO), **attributes}
    return model(row, 1, "pixels", SOPClassUID=SECONDARY_CAPTURE, **described)


def stored(running: "RunningService", answer: "Answer", row: int, number: int = 1) -> Dataset:
    """Return an instance that must have been stored."""
    assert sop_uid(row, 1, number) in answer.stored
    items = running.items(study_uid(row))
    [key] = [key_of(item) for name, item in items.items() if name.endswith(sop_uid(row, 1, number))]
    return dcmread(io.BytesIO(running._content(key)))


def one(running: "RunningService", row: int, *parts: bytes) -> Dataset:
    """Send an instance as JSON and bulk data, and return it as it is stored without a warning."""
    answer = post(running, JSON, *parts)
    assert answer.status == 200, answer.body
    assert answer.sequences == {"00081199"}
    return stored(running, answer, row)


def refused(answer: "Answer", row: int, reason: int, status: int = 409) -> None:
    assert answer.status == status
    assert answer.failed == [(sop_uid(row), reason)]
    assert "00081199" not in answer.sequences


def xml(row: int) -> str:
    """Return the XML of a small CT image whose pixel data is at ``pixels``."""
    text = str(native_xml(data_set(row, PixelData=None)), "utf-8")
    return text.replace(
        "</NativeDicomModel>",
        '<DicomAttribute tag="7FE00010" vr="OW"><BulkData uri="pixels"/></DicomAttribute>'
        "</NativeDicomModel>",
    )


def post_xml(running: "RunningService", text: str, *parts: bytes) -> "Answer":
    return post(running, XML, metadata(text, XML), *parts)


def jpeg(mode: str = "RGB", size: int = 16, shade: int = 90) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (size, size), shade).save(stream, "JPEG")
    return stream.getvalue()


def sample_frame(name: str) -> tuple[Dataset, bytes]:
    found = dcmread(str(get_testdata_file(name)))
    return found, next(generate_frames(found.PixelData, number_of_frames=1))


def macro(found: Dataset) -> list[object]:
    return [found[keyword].value for keyword in IMAGE_PIXEL_MACRO]


def test_row_081_xml_and_uncompressed_pixel_data(running: "RunningService") -> None:
    answer = post_xml(running, xml(81), bulk(PIXELS, "pixels"))
    assert answer.status == 200
    found = stored(running, answer, 81)
    assert found.PixelData == PIXELS
    assert found.file_meta.TransferSyntaxUID == EXPLICIT
    assert found.file_meta.MediaStorageSOPInstanceUID == sop_uid(81)
    assert found.file_meta.ImplementationVersionName == "STOWPORT"
    assert found == data_set(81)


def test_row_082_json_of_two_instances(running: "RunningService") -> None:
    answer = post(
        running,
        JSON,
        metadata([model(82, 1, "one"), model(82, 2, "two")]),
        bulk(bytes(32), "two"),
        bulk(PIXELS, "one"),
    )
    assert answer.status == 200
    assert answer.stored == [sop_uid(82, 1, 1), sop_uid(82, 1, 2)]
    assert stored(running, answer, 82, 1).PixelData == PIXELS
    assert stored(running, answer, 82, 2).PixelData == bytes(32)


def test_row_083_json_of_a_bare_object(running: "RunningService") -> None:
    assert one(running, 83, metadata(model(83)), bulk(PIXELS, "pixels")).PixelData == PIXELS


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "[]",
        "7",
        '[{"00280010": {"vr": "FD", "Value": [NaN]}}]',
        '[{"00100020": {"vr": "LO"}, "00100020": {"vr": "LO"}}]',
    ],
)
def test_row_084_json_that_is_none(running: "RunningService", text: str) -> None:
    answer = post(running, JSON, metadata(text), bulk(PIXELS, "pixels"))
    assert answer.status == 400
    assert answer.other_failures == [0xC000]
    assert "C000: part 1: " in answer.warnings[0]


@pytest.mark.parametrize("text", ["[NaN]", "{", "[]", "\xff"])
def test_row_084_fails_for_itself_beside_another_document(
    running: "RunningService", text: str
) -> None:
    answer = post(running, JSON, metadata(text), metadata([model(84)]), bulk(PIXELS, "pixels"))
    assert answer.status == 202
    assert answer.stored == [sop_uid(84)]
    assert answer.other_failures == [0xC000]


BOMB = "".join(
    f'<!ENTITY b{number} "{f"&b{number - 1};" * 10 if number else "boom"}">' for number in range(10)
)


ENTITY = (
    '<NativeDicomModel><DicomAttribute tag="00100020" vr="LO"><Value number="1">&f;</Value>'
    "</DicomAttribute></NativeDicomModel>"
)


@pytest.mark.parametrize(
    "text",
    [
        "<NativeDicomModel>",
        "<html/>",
        f"<!DOCTYPE x [{BOMB}]><NativeDicomModel>&b9;</NativeDicomModel>",
        f'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>{ENTITY}',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><NativeDicomModel/>',
    ],
)
def test_row_085_xml_that_is_none_or_hostile(running: "RunningService", text: str) -> None:
    answer = post_xml(running, text)
    assert answer.status == 400
    assert b"root:" not in answer.body


@pytest.mark.parametrize("text", ["<NativeDicomModel>", "<html/>", "{}"])
def test_row_085_fails_for_itself_beside_another_document(
    running: "RunningService", text: str
) -> None:
    sent = [metadata(xml(85), XML), metadata(text, XML)]
    answer = post(running, XML, *sent, bulk(PIXELS, "pixels"))
    assert answer.status == 202
    assert answer.stored == [sop_uid(85)]
    assert answer.other_failures == [0xC000]
    assert "C000: part 2: " in answer.warnings[0]


@pytest.mark.parametrize("written", ["<NativeDicomModel", '<n:NativeDicomModel xmlns:n="urn:x"'])
def test_row_086_xml_of_no_namespace_or_another_prefix(
    running: "RunningService", written: str
) -> None:
    text = xml(86).replace(' xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM"', "")
    prefix = "n:" if "n:" in written else ""
    for name in ("NativeDicomModel", "DicomAttribute", "Value", "PersonName", "BulkData"):
        text = text.replace(f"<{name}", f"<{prefix}{name}").replace(
            f"</{name}", f"</{prefix}{name}"
        )
    for name in ("Alphabetic", "FamilyName", "GivenName"):
        text = text.replace(f"<{name}", f"<{prefix}{name}").replace(
            f"</{name}", f"</{prefix}{name}"
        )
    text = text.replace(f"<{prefix}NativeDicomModel", written)
    answer = post_xml(running, text, bulk(PIXELS, "pixels"))
    assert answer.status == 200
    assert stored(running, answer, 86) == data_set(86)


def test_row_087_file_meta_in_metadata_is_discarded_with_a_warning(
    running: "RunningService",
) -> None:
    file_meta = {
        "00020010": {"vr": "UI", "Value": ["1.2.840.10008.1.2.4.50"]},
        "00020013": {"vr": "SH", "Value": ["FORGED"]},
    }
    answer = post(running, JSON, metadata([file_meta | model(87)]), bulk(PIXELS, "pixels"))
    assert answer.status == 202
    [item] = answer.data_set["00081199"]
    assert int(item["00081196"][0]) == 0xB006
    assert "B006: part 1, instance 1: found elements of group 0002" in answer.warnings[0]
    found = stored(running, answer, 87)
    assert found.file_meta.TransferSyntaxUID == EXPLICIT
    assert found.file_meta.ImplementationVersionName == "STOWPORT"


def test_row_088_bulk_data_that_is_missing(running: "RunningService") -> None:
    refused(post(running, JSON, metadata([model(88)])), 88, 0xA922)


def test_row_088_fails_only_the_instance_that_refers_to_it(running: "RunningService") -> None:
    sent = metadata([model(88, 2, "absent"), model(88, 3, "there")])
    answer = post(running, JSON, sent, bulk(PIXELS, "there"))
    assert answer.status == 202
    assert answer.stored == [sop_uid(88, 1, 3)]
    assert answer.failed == [(sop_uid(88, 1, 2), 0xA922)]


@pytest.mark.parametrize(
    "extra", [bulk(b"unasked", "other"), part(b"unasked", Content_Type="image/jpeg")]
)
def test_row_089_a_part_that_nothing_refers_to(running: "RunningService", extra: bytes) -> None:
    answer = post(running, JSON, metadata([model(89)]), bulk(PIXELS, "pixels"), extra)
    assert answer.status == 202
    assert answer.stored == [sop_uid(89)]
    assert answer.other_failures == [0xC000]
    assert "part 3: found bulk data that no metadata" in answer.warnings[0]


def test_row_090_two_attributes_share_bulk_data(running: "RunningService") -> None:
    sent = model(90)
    sent["00091001"] = {"vr": "OB", "BulkDataURI": "pixels"}
    sent["00090010"] = {"vr": "LO", "Value": ["ACME"]}
    found = one(running, 90, metadata([sent]), bulk(PIXELS, "pixels"))
    assert found.PixelData == found[0x00091001].value == PIXELS


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("{base}/studies/bulk/1", "/studies/bulk/1"),
        ("bulk/1", "{base}/bulk/1"),
        ("HTTP://{host}/bulk/%7e%c3%bc", "http://{host}/bulk/~ü"),
        ("bilder/Bild 1.raw", "bilder/Bild%201.raw"),
    ],
)
def test_row_091_relative_and_absolute_locations(
    running: "RunningService", uri: str, location: str
) -> None:
    base = running.base_url
    names = {"base": base, "host": base.partition("//")[2]}
    sent = metadata([model(91, 1, uri.format(**names))])
    answer = post(running, JSON, sent, bulk(PIXELS, location.format(**names)))
    assert answer.status == 200
    assert stored(running, answer, 91).PixelData == PIXELS


@pytest.mark.parametrize(
    "uri", ["file:///etc/passwd", "/etc/passwd", "http://169.254.169.254/latest/meta-data"]
)
def test_row_092_nothing_is_fetched(running: "RunningService", uri: str) -> None:
    answer = post(running, JSON, metadata([model(92, 1, uri)]))
    refused(answer, 92, 0xA922)
    assert b"root:" not in answer.body


def test_row_093_bulk_data_before_its_metadata(running: "RunningService") -> None:
    assert one(running, 93, bulk(PIXELS, "pixels"), metadata([model(93)])).PixelData == PIXELS


def test_row_094_baseline_jpeg_describes_itself(running: "RunningService") -> None:
    sent = jpeg()
    found = one(running, 94, metadata([image(94)]), bulk(sent, "pixels", "image/jpeg"))
    assert found.file_meta.TransferSyntaxUID == BASELINE
    assert macro(found) == [3, "YBR_FULL_422", 16, 16, 8, 8, 7, 0]
    assert found.PlanarConfiguration == 0
    assert found.LossyImageCompression == "01"
    assert found.LossyImageCompressionMethod == "ISO_10918_1"
    assert float(found.LossyImageCompressionRatio) == round(16 * 16 * 3 / len(sent), 2)
    assert list(generate_frames(found.PixelData, number_of_frames=1)) == [
        sent + b"\0" * (len(sent) % 2)
    ]


def test_row_095_lossless_jpeg_without_a_transfer_syntax(running: "RunningService") -> None:
    original, frame = sample_frame("SC_rgb_jpeg_gdcm.dcm")
    found = one(running, 95, metadata([image(95)]), bulk(frame, "pixels", "image/jpeg"))
    assert found.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID == SV1
    assert "LossyImageCompression" not in found
    assert macro(found) == macro(original)


@pytest.mark.parametrize("suffix", ["", "/frames/"])
def test_row_096_a_part_for_each_frame(running: "RunningService", suffix: str) -> None:
    frames = [jpeg(shade=shade) for shade in (1, 128, 255)]
    order = (1, 2, 3) if not suffix else (3, 1, 2)
    parts = [
        bulk(frames[number - 1], f"pixels{suffix}{number if suffix else ''}", "image/jpeg")
        for number in order
    ]
    row = 96 if suffix else 1096
    sent = image(row) | {"00080016": {"vr": "UI", "Value": [MULTI_FRAME]}}
    found = one(running, row, metadata([sent]), *parts)
    assert found.NumberOfFrames == 3
    kept = generate_frames(found.PixelData, number_of_frames=3)
    assert [frame.rstrip(b"\0") for frame in kept] == frames


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("MR_small_jpeg_ls_lossless.dcm", "image/jls"), ("MR_small_RLE.dcm", "image/dicom-rle")],
)
def test_row_097_jpeg_ls_and_rle_need_their_description(
    running: "RunningService", name: str, media_type: str
) -> None:
    original, frame = sample_frame(name)
    sent = bulk(frame, "pixels", media_type)
    refused(post(running, JSON, metadata([image(97)]), sent), 97, 0xA900)
    described = {keyword: original[keyword].value for keyword in IMAGE_PIXEL_MACRO}
    row = 1097 + len(name)
    found = one(running, row, metadata([image(row, **described)]), sent)
    assert found.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID


def test_row_098_png_becomes_uncompressed(running: "RunningService") -> None:
    stream = io.BytesIO()
    Image.frombytes("L", (4, 8), PIXELS).save(stream, "PNG")
    found = one(running, 98, metadata([image(98)]), bulk(stream.getvalue(), "pixels", "image/png"))
    assert found.file_meta.TransferSyntaxUID == EXPLICIT
    assert macro(found) == [1, "MONOCHROME2", 8, 4, 8, 8, 7, 0]
    assert found.PixelData == PIXELS


def test_row_099_video(running: "RunningService") -> None:
    video = file("high41.mp4")
    sent = image(99) | {"00080016": {"vr": "UI", "Value": [VIDEO]}}
    found = one(running, 99, metadata([sent]), bulk(video, "pixels", "video/mp4"))
    assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.102"
    assert found.NumberOfFrames > 1
    assert found.PhotometricInterpretation == "YBR_PARTIAL_420"
    assert found[found.FrameIncrementPointer].value > 0


def pdf(row: int, mime_type: str | None) -> Model:
    nothing = dict.fromkeys(IMAGE_PIXEL_MACRO)
    sent = model(row, 1, None, SOPClassUID=PDF, **nothing)
    sent["00420011"] = {"vr": "OB", "BulkDataURI": "document"}
    if mime_type:
        sent["00420012"] = {"vr": "LO", "Value": [mime_type]}
    return sent


@pytest.mark.parametrize("mime_type", ["application/pdf", None])
def test_row_100_a_document_is_padded_and_its_length_true(
    running: "RunningService", mime_type: str | None
) -> None:
    row = 100 if mime_type else 1100
    document = bulk(b"%PDF-1.4\n", "document", "application/pdf")
    found = one(running, row, metadata([pdf(row, mime_type)]), document)
    assert found.EncapsulatedDocument == b"%PDF-1.4\n\0"
    assert found.EncapsulatedDocumentLength == 9
    assert found.MIMETypeOfEncapsulatedDocument == "application/pdf"


def test_row_101_a_document_of_another_type(running: "RunningService") -> None:
    sent = bulk(b"<x/>", "document", "text/xml")
    refused(post(running, JSON, metadata([pdf(101, "application/pdf")]), sent), 101, 0xA900)


def test_row_102_names_of_three_groups(running: "RunningService") -> None:
    groups = {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
    sent = model(102, SpecificCharacterSet="ISO_IR 100")
    sent["00100010"] = {"vr": "PN", "Value": [groups]}
    found = one(running, 102, metadata([sent]), bulk(PIXELS, "pixels"))
    assert found.SpecificCharacterSet == "ISO_IR 192"
    assert str(found.PatientName) == "Yamada^Tarou=山田^太郎=やまだ^たろう"
    assert running.items(study_uid(102))["study"]["PatientName"]["S"] == str(found.PatientName)


def test_row_103_decimal_strings(running: "RunningService") -> None:
    sent = model(103)
    sent["00281050"] = {"vr": "DS", "Value": ["1.500"]}
    sent["00281051"] = {"vr": "DS", "Value": [0.12345678901234567]}
    found = one(running, 103, metadata([sent]), bulk(PIXELS, "pixels"))
    assert str(found.WindowCenter) == "1.500"
    assert len(str(found.WindowWidth)) <= 16
    assert abs(float(found.WindowWidth) - 0.12345678901234567) < 1e-13


def test_row_104_empty_attributes_values_and_items(running: "RunningService") -> None:
    sent = model(104)
    sent["00100040"] = {"vr": "CS"}
    sent["00080008"] = {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]}
    sent["00081140"] = {"vr": "SQ", "Value": [{}]}
    sent["00080023"] = {"vr": "DA", "Value": []}
    found = one(running, 104, metadata([sent]), bulk(PIXELS, "pixels"))
    assert found.PatientSex == found.ContentDate == ""
    assert list(found.ImageType) == ["ORIGINAL", "", "AXIAL"]
    assert [len(item) for item in found.ReferencedImageSequence] == [0]


def test_row_105_private_attributes_in_xml(running: "RunningService") -> None:
    private = "".join(
        f'<DicomAttribute tag="00090001" vr="LO" privateCreator="{creator}">'
        f'<Value number="1">{value}</Value></DicomAttribute>'
        for creator, value in (("ACME 1", "first"), ("ACME 2", "second"))
    )
    text = xml(105).replace("</NativeDicomModel>", f"{private}</NativeDicomModel>")
    answer = post_xml(running, text, bulk(PIXELS, "pixels"))
    assert answer.status == 200
    found = stored(running, answer, 105)
    assert [found[tag].value for tag in (0x00090010, 0x00090011)] == ["ACME 1", "ACME 2"]
    assert [found[tag].value for tag in (0x00091001, 0x00091101)] == ["first", "second"]


def test_row_106_private_attributes_in_json(running: "RunningService") -> None:
    sent = model(106)
    sent["00091201"] = {"vr": "LO", "Value": ["value"]}
    sent["00090012"] = {"vr": "LO", "Value": ["ACME"]}
    found = one(running, 106, metadata([sent]), bulk(PIXELS, "pixels"))
    assert found[0x00090012].value == "ACME"
    assert found[0x00091201].value == "value"

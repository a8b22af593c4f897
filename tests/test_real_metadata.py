"""Metadata as it is really sent: values that do not conform, documents that are none, bits."""

import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames

from tests.builders import data_set, series_uid, sop_uid, study_uid
from tests.dicomweb.codestreams.bitstreams import file
from tests.models import attribute, document
from tests.sample_files import FILES
from tests.split_bulk_data import JSON, XML, bulk, dcm2xml, metadata, post

if TYPE_CHECKING:
    from tests.service import RunningService, Start

REQUESTS = Path(__file__).parent / "metadata_requests"
STORED = {
    "bits-ljpeg-p12-stored12-control": 1,
    "bits-ljpeg-p16-stored12": 1,
    "bits-seg1-rle": 1,
    "meta-is-14-5": 1,
    "meta-one-good-one-is-14-5": 2,
}
TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
CHINESE = "\u4e2d\u6587"

Model = dict[str, Any]


@pytest.fixture
def running(service: "Start") -> "RunningService":
    return service()


@pytest.fixture
def any_storage(service: "Start") -> "RunningService":
    return service(StorageProfile="any-storage")


def request(name: str) -> tuple[str, bytes]:
    head, _, body = (REQUESTS / f"{name}.body").read_bytes().partition(b"\n")
    return head.decode().strip(), body.removeprefix(b"\r").removeprefix(b"\n")


def stored(running: "RunningService", study: str) -> list[Dataset]:
    return [dcmread(BytesIO(running._content(key))) for key in running._keys(study)]


def model(number: int, *, study: int = 900, **elements: object) -> Model:
    """Return the JSON of an SR; elements by "x" and tag."""
    return {
        "00080016": {"vr": "UI", "Value": [TEXT_SR]},
        "00080018": {"vr": "UI", "Value": [sop_uid(study, 1, number)]},
        "0020000D": {"vr": "UI", "Value": [study_uid(study)]},
        "0020000E": {"vr": "UI", "Value": [series_uid(study)]},
        **{tag.removeprefix("x"): value for tag, value in elements.items()},
    }


def as_xml(sent: Model) -> str:
    """Return the same in XML, for elements of text."""
    return str(
        document(*(attribute(tag, one["vr"], *one["Value"]) for tag, one in sent.items())), "utf-8"
    )


def test_every_request_has_its_expectation() -> None:
    assert {path.stem for path in REQUESTS.glob("*.body")} == {*STORED, "named-instance"}


@pytest.mark.process
@pytest.mark.parametrize("name", STORED)
def test_what_was_refused_once_is_stored(any_storage: "RunningService", name: str) -> None:
    """The profile is that which takes segmentations in RLE; the statement's has them native."""
    content_type, body = request(name)
    answer = any_storage.post(body, content_type=content_type)
    assert answer.status == 200
    assert len(answer.stored) == STORED[name]


@pytest.mark.process
def test_an_exposure_of_14_5_is_kept_as_text(running: "RunningService") -> None:
    content_type, body = request("meta-is-14-5")
    running.post(body, content_type=content_type)
    sent = json.loads(body.split(b"\r\n\r\n")[1].split(b"\r\n--hunt")[0])
    [found] = stored(running, sent[0]["0020000D"]["Value"][0])
    assert found.get_item(0x00181152).value == b"14.5"


@pytest.mark.process
def test_an_instance_with_a_value_that_cannot_be_read_is_named(running: "RunningService") -> None:
    content_type, body = request("named-instance")
    answer = running.post(body, content_type=content_type)
    assert answer.status == 202
    assert answer.sequences == {"00081198", "00081199"}
    [(uid, reason)] = answer.failed
    assert (uid, reason) == (
        "1.2.826.0.1.3680043.8.498.4862651165033710108402754747021324533",
        0xC000,
    )


BAD = {"vr": "US", "Value": ["70000"]}


@pytest.mark.process
@pytest.mark.parametrize("media_type", [JSON, XML])
def test_alone_it_is_409(running: "RunningService", media_type: str) -> None:
    sent = model(1, x00280010=BAD)
    text = json.dumps([sent]) if media_type == JSON else as_xml(sent)
    answer = post(running, media_type, metadata(text, media_type))
    assert answer.status == 409
    assert answer.failed == [(sop_uid(900), 0xC000)]
    assert answer.sequences == {"00081198"}
    assert "part 1, instance 1: (0028,0010)" in answer.warnings[0]


VALUES = [
    ("IS", "14.5"),
    ("IS", "4.000000"),
    ("IS", "99999999999"),
    ("DS", "1,5"),
    ("DS", "1.23456789012345678901234567890"),
    ("DS", CHINESE),
    ("CS", CHINESE),
    ("CS", "in lower case and much longer than 16 letters"),
    ("AE", CHINESE),
    ("DA", "2026-01-02"),
    ("TM", CHINESE),
    ("UI", "not a uid"),
    ("LO", "long " * 99 + "end"),
    ("SH", CHINESE * 40),
    ("PN", "A=B=C=D=E"),
    ("UR", "not\\a uri " + CHINESE),
]


@pytest.mark.process
@pytest.mark.parametrize("charset", ["ISO_IR 192", "GB18030", "ISO_IR 100", None])
@pytest.mark.parametrize("media_type", [JSON, XML])
def test_values_that_a_file_may_hold_are_kept_byte_for_byte(
    running: "RunningService", media_type: str, charset: str | None
) -> None:
    study = 901 + ["ISO_IR 192", "GB18030", "ISO_IR 100", None].index(charset)
    study += 10 * (media_type == XML)
    values = {
        f"000910{number:02X}": (vr, text)
        for number, (vr, text) in enumerate(VALUES)
        if vr != "PN" or media_type == JSON  # names have their own notation in XML
    }
    elements: Model = {f"x{tag}": {"vr": vr, "Value": [text]} for tag, (vr, text) in values.items()}
    elements["x00090010"] = {"vr": "LO", "Value": ["TEST"]}
    if charset:
        elements["x00080005"] = {"vr": "CS", "Value": [charset]}
    sent = model(1, study=study, **elements)
    text = json.dumps([sent]) if media_type == JSON else as_xml(sent)
    answer = post(running, media_type, metadata(text, media_type))
    assert answer.status == 200, answer.warnings
    [found] = stored(running, study_uid(study))
    encoding = "gb18030" if charset == "GB18030" else "utf-8"
    assert found.get("SpecificCharacterSet") == (
        "GB18030" if charset == "GB18030" else "ISO_IR 192"
    )
    for tag, (vr, value) in values.items():
        element = found.get_item(int(tag, 16))
        assert vr == element.VR
        assert element.value.rstrip(b" \0") == value.encode(encoding)


@pytest.mark.process
@pytest.mark.parametrize(
    ("media_type", "text"),
    [(JSON, json.dumps([model(1, study=930)])), (XML, as_xml(model(1, study=931)))],
)
def test_metadata_may_be_the_whole_body(
    running: "RunningService", media_type: str, text: str
) -> None:
    answer = running.post(text.encode(), content_type=media_type)
    assert answer.status == 200
    assert len(answer.stored) == 1


@pytest.mark.process
@pytest.mark.parametrize(("media_type", "text"), [(JSON, "{"), (XML, "<x/>")])
def test_a_whole_body_that_is_none_is_400(
    running: "RunningService", media_type: str, text: str
) -> None:
    answer = running.post(text.encode(), content_type=media_type)
    assert answer.status == 400
    assert answer.other_failures == [0xC000]


@pytest.mark.process
def test_a_whole_body_of_metadata_has_no_bulk_data(running: "RunningService") -> None:
    sent = model(1, study=932) | {"00420011": {"vr": "OB", "BulkDataURI": "somewhere"}}
    answer = running.post(json.dumps([sent]).encode(), content_type=JSON)
    assert answer.failed == [(sop_uid(932), 0xA922)]


@pytest.mark.process
def test_xml_in_another_encoding_reaches_the_service_as_it_is(running: "RunningService") -> None:
    sent = model(1, study=933, x00100020={"vr": "LO", "Value": ["M\xfcller"]})
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>' + as_xml(sent).split("?>")[-1]
    answer = running.post(text.encode("latin-1"), content_type=XML)
    assert answer.status == 200
    [found] = stored(running, study_uid(933))
    assert found.PatientID == "M\xfcller"


@pytest.mark.process
@pytest.mark.parametrize("location", ["{}", "urn:uuid:{}", "URN:UUID:{}"])
def test_what_dcm2xml_writes_is_matched_by_its_uuids(
    running: "RunningService", location: str
) -> None:
    path = FILES["test_files/CT_small.dcm"]
    text = dcm2xml(path).decode("latin-1")
    [*uuids] = [piece.split('"')[0] for piece in text.split('<BulkData uuid="')[1:]]
    original = dcmread(path)
    study = study_uid(940 + len(location))
    text = text.replace(str(original.StudyInstanceUID), study)
    contents = [element.value for element in original if element.VR in ("OB", "OW", "UN")]
    assert len(contents) == len(uuids)
    parts = [
        bulk(content, location.format(uuid)) for uuid, content in zip(uuids, contents, strict=True)
    ]
    answer = post(running, XML, metadata(text, XML), *parts)
    assert answer.status == 200, answer.warnings
    [found] = stored(running, study)
    assert found.PixelData == original.PixelData


@pytest.mark.process
def test_what_dcm2xml_writes_alone_lacks_its_bulk_data(running: "RunningService") -> None:
    text = dcm2xml(FILES["test_files/CT_small.dcm"]).decode("latin-1")
    answer = post(running, XML, metadata(text, XML))
    assert answer.status == 409
    assert [reason for _, reason in answer.failed] == [0xA922]


@pytest.mark.process
@pytest.mark.parametrize("name", ["lossless", "colour", "lossy", "recompressed"])
def test_jpeg_xl_is_for_any_storage(
    running: "RunningService", any_storage: "RunningService", name: str
) -> None:
    study = 950 + ["lossless", "colour", "lossy", "recompressed"].index(name)
    sent = data_set(study, PixelData=None, SOPClassUID=CAPTURE).to_json_dict()
    for tag in [tag for tag in sent if tag.startswith("0028")]:
        del sent[tag]
    sent["7FE00010"] = {"vr": "OB", "BulkDataURI": "px"}
    parts = [metadata([sent]), bulk(file(f"{name}.jxl"), "px", "image/jxl")]
    assert post(running, JSON, *parts).failed == [(sop_uid(study), 0xC122)]
    answer = post(any_storage, JSON, *parts)
    assert answer.status == 200, answer.warnings
    [found] = stored(any_storage, study_uid(study))
    [frame] = generate_frames(found.PixelData, number_of_frames=1)
    assert frame.startswith(file(f"{name}.jxl"))
    assert (found.Rows, found.Columns) == (48, 64)

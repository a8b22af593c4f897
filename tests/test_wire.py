"""Requests as real clients sent them, replayed over a socket (tests/wire/README.md)."""

import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydicom.data import get_testdata_file

if TYPE_CHECKING:
    from tests.answers import Answer
    from tests.service import RunningService, Start

WIRE = Path(__file__).parent / "wire"
CT = "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"
MR = "1.3.6.1.4.1.5962.1.1.4.1.1.20040826185059.5457"
CT_FILE, MR_FILE = "CT_small.dcm", "MR_small.dcm"
PREFIX = re.compile(rb"^(\w+) /(?:dicom-web|dcm4chee-arc/aets/DCM4CHEE/rs)/")

SAMPLES = {
    "chromium-npm-2": [MR_FILE],
    "curl-F-related": [CT_FILE, MR_FILE],
    "curl-chunked": [MR_FILE],
    "curl-data-binary": [MR_FILE],
    "curl-single-part": [MR_FILE],
    "dicomweb_client-py-1": [CT_FILE],
    "dicomweb_client-py-2": [CT_FILE, MR_FILE],
    "dicomweb_client-py-study": [CT_FILE],
    "requests-single-part": [MR_FILE],
}
"""Requests that hold pydicom's sample files."""

SYNTHETIC = {
    "close-delimiter-then-LF": 1,
    "close-delimiter-then-NULs": 2,
    "dcm4che-bearer-1": 1,
    "dcm4che-dicom-1": 2,
    "dcm4che-dicom-accept-json-limit1-1": 1,
    "dcm4che-study-dicom-1": 1,
    "orthanc-stow-length": 2,
}
"""Requests that hold other instances, and how many; Orthanc writes files anew."""

METADATA = (
    "dcm4che-jp2-xml-1",
    "dcm4che-jpg-json-ph-tsuid-1",
    "dcm4che-jpg-xml-1",
    "dcm4che-jpg2-json-1",
    "dcm4che-jpg2-xml-1",
    "dcm4che-mp4-json-1",
    "dcm4che-pdf-xml-1",
    "dcm4che-png-xml-1",
    "odil-xml-1",
)
"""Requests of metadata and bulk data: test_wire_metadata.py replays them."""

OTHERS = ("chromium-npm", "curl-F-formdata", "dicomweb_client-py-retry503-empty-chunked")


@pytest.fixture
def empty(service: "Start") -> "RunningService":
    running = service(AllowedOrigins="http://127.0.0.1:9200")
    running.clear()
    return running


def captured(name: str) -> bytes:
    """Return a request with the service's own paths, else as it was sent."""
    request, count = PREFIX.subn(rb"\1 /", (WIRE / f"{name}.http").read_bytes())
    assert count == 1
    return request


def sent_files(name: str) -> list[bytes]:
    """Return the parts' bytes, found by searching for the delimiters and nothing else."""
    head, _, body = captured(name).partition(b"\r\n\r\n")
    found = re.search(rb'boundary="?([^"\r\n;]+)', head)
    if found is None:
        return [body]
    _, *parts, end = (b"\r\n" + body).split(b"\r\n--" + found[1])
    assert end.strip(b"\r\n\0") == b"--"
    return [part.partition(b"\r\n\r\n")[2] for part in parts]


def digests(contents: list[bytes]) -> list[str]:
    return sorted(sha256(content).hexdigest() for content in contents)


def check_stored(empty: "RunningService", answer: "Answer", expected: list[str]) -> None:
    assert answer.status == 200
    assert answer.sequences == {"00081199"}
    assert len(answer.stored) == len(expected)
    assert empty.objects() == expected


def test_every_captured_request_is_replayed() -> None:
    names = {path.stem for path in WIRE.glob("*.http")}
    assert names == {*SAMPLES, *SYNTHETIC, *METADATA, *OTHERS}


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_files_are_stored_as_they_are_on_disk(empty: "RunningService", name: str) -> None:
    files = [Path(str(get_testdata_file(file))).read_bytes() for file in SAMPLES[name]]
    request = captured(name)
    answer = empty.raw(request)
    check_stored(empty, answer, digests(files))
    assert answer.stored == [{CT_FILE: CT, MR_FILE: MR}[file] for file in SAMPLES[name]]
    wants_json = b"Accept: application/dicom+json" in request
    assert answer.media_type == f"application/dicom+{'json' if wants_json else 'xml'}"


@pytest.mark.parametrize("name", SYNTHETIC)
def test_other_files_are_stored_as_they_were_sent(empty: "RunningService", name: str) -> None:
    files = sent_files(name)
    assert len(files) == SYNTHETIC[name]
    assert all(content[128:132] == b"DICM" for content in files)
    check_stored(empty, empty.raw(captured(name)), digests(files))


def test_form_data_is_refused_with_what_is_expected(empty: "RunningService") -> None:
    answer = empty.raw(captured("curl-F-formdata"))
    assert answer.status == 400
    assert "found multipart/form-data, expected multipart/related" in answer.text
    assert empty.count() == (0, 0)


def test_a_repeated_request_that_lost_its_body_is_refused(empty: "RunningService") -> None:
    answer = empty.raw(captured("dicomweb_client-py-retry503-empty-chunked"))
    assert answer.status == 400
    assert "empty payload" in answer.text


def test_a_browser_may_post_from_an_origin_that_is_allowed(empty: "RunningService") -> None:
    preflight = empty.raw(captured("chromium-npm"))
    assert preflight.status == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "http://127.0.0.1:9200"
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    allowed = preflight.headers["Access-Control-Allow-Headers"]
    assert allowed == "Accept, Authorization, Content-Type, If-None-Match, X-Requested-With"
    answer = empty.raw(captured("chromium-npm-2"))
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "http://127.0.0.1:9200"


def test_the_token_of_stowrs_is_refused_where_tokens_are_checked(service: "Start") -> None:
    running = service(Authentication="oidc")
    answer = running.raw(captured("dcm4che-bearer-1"))
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.media_type == "application/dicom+xml"
    assert running.objects("1.2.3.1") == []

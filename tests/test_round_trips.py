"""pydicom's sample files as metadata and bulk data: what is stored is what was sent.

Neither the metadata nor the bulk data is made by the code under test, see split_bulk_data.py.
"""

import re
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames
from pydicom.uid import UID

from archive.objects import key_of
from dicomweb.candidates import Candidate
from dicomweb.conformance import StorageProfile
from dicomweb.instances import SOPInstance, receive
from tests import models, sample_files
from tests.sample_files import read_for_metadata
from tests.split_bulk_data import JSON, XML, as_json, as_xml, dcm2xml, metadata, post

if TYPE_CHECKING:
    from tests.answers import Answer
    from tests.service import RunningService, Start


def _is_taken(path: Path) -> bool:
    candidate = Candidate(number=1, content=lambda: memoryview(path.read_bytes()))
    profile = StorageProfile.CONFORMANCE
    return isinstance(receive(candidate, study_instance_uid=None, profile=profile), SOPInstance)


UNREADABLE = {"test_files/badVR.dcm": "pydicom does not read 1A as a Number of Frames"}

FILES = {
    name: path
    for name, path in sample_files.FILES.items()
    if _is_taken(path) and name not in UNREADABLE
}
"""Those that are stored when they are sent as files, and that pydicom can make metadata of."""

HEADERS_ONLY = {
    "charset_files/chrJapMulti.dcm",
    "charset_files/chrJapMultiExplicitIR6.dcm",
    "charset_files/chrKoreanMulti.dcm",
}
"""Images without pixel data, which are stored with a warning."""

REFUSED = {
    "test_files/JPEG2000-embedded-sequence-delimiter.dcm": (0xC122, "a codestream of Part 2"),
    "test_files/J2K_pixelrep_mismatch.dcm": (0xA900, "unsigned by its attributes, signed by bits"),
}
"""Files that contradict themselves, by their Failure Reason."""

NO_XML = {
    "charset_files/chrH31.dcm": "dcm2xml cannot convert ISO 2022 IR 87",
    "charset_files/chrH32.dcm": "dcm2xml cannot convert ISO 2022 IR 87",
    "charset_files/chrI2.dcm": "dcm2xml cannot convert ISO 2022 IR 149",
    "charset_files/chrJapMulti.dcm": "dcm2xml writes escape sequences, which XML cannot hold",
    "charset_files/chrJapMultiExplicitIR6.dcm": (
        "dcm2xml writes escape sequences, which XML cannot hold"
    ),
    "charset_files/chrKoreanMulti.dcm": "dcm2xml cannot convert ISO 2022 IR 149",
    "test_files/J2K_pixelrep_mismatch.dcm": "dcm2xml cannot convert ISO 2022 IR 87",
}

OTHERWISE_IN_XML = {
    "charset_files/chrX1.dcm": (
        {"(0010,0010)"},
        "dcm2xml repeats the ideographic group as the phonetic one",
    ),
    "charset_files/chrX2.dcm": (
        {"(0010,0010)"},
        "dcm2xml repeats the ideographic group as the phonetic one",
    ),
    "test_files/examples_palette.dcm": (
        {"(0018,6011)[1] > (0018,602C)", "(0018,6011)[1] > (0018,602E)"},
        "dcm2xml writes an FD with a digit more than is exact",
    ),
    "test_files/waveform_ecg.dcm": (
        {f"(7001,{block}{element})" for element in ("31", "32", "53") for block in ("00", "11")},
        "there is no private creator, and dcm2xml leaves out the block for which it stands",
    ),
}

OTHERWISE_IN_DCMTK = {"charset_files/chrX2.dcm": "dcm2xml writes GB18030 as if it were Latin-1"}

_OTHERWISE_IN_DCMTK = re.compile(
    rb'<DicomAttribute tag="002821(?:10|12|14)".*?</DicomAttribute>\n| uuid="[^"]*"', re.DOTALL
)

JP2_FILE = "test_files/GDCMJ2K_TextGBR.dcm"
"""Its frame is a JP2 file; only the codestream is pixel data (PS3.5 A.4.4)."""


@pytest.fixture(scope="module")
def replacing(service: "Start") -> "RunningService":
    """The service that keeps the last of two instances with the same UIDs."""
    return service(DuplicatePolicy="replace")


def content(running: "RunningService", original: Dataset) -> bytes:
    items = running.items(original.StudyInstanceUID)
    item = items[f"instances/{original.SeriesInstanceUID}/{original.SOPInstanceUID}"]
    return running._content(key_of(item))


def check(running: "RunningService", answer: "Answer", name: str, differences: set[str]) -> None:
    original = read_for_metadata(FILES[name])
    assert answer.status == (202 if name in HEADERS_ONLY else 200)
    assert answer.stored == [original.SOPInstanceUID]
    kept = read_for_metadata(BytesIO(content(running, original)))
    found = models.differences(original, kept)
    if UID(original.file_meta.TransferSyntaxUID).is_compressed and "PixelData" in original:
        assert kept.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
        found -= {"(7FE0,0010)"}  # how frames are cut into fragments is no part of the model
        assert frames(kept) == [codestream(frame, name) for frame in frames(original)]
    assert found - lossy_compression(original) == differences


def lossy_compression(original: Dataset) -> set[str]:
    """Return what is added about lossy compression where the file does not say it."""
    added = {0x00282110: "(0028,2110)", 0x00282112: "(0028,2112)", 0x00282114: "(0028,2114)"}
    return {place for tag, place in added.items() if tag not in original}


def frames(data_set: Dataset) -> list[bytes]:
    number = int(data_set.get("NumberOfFrames") or 1)
    return list(generate_frames(data_set.PixelData, number_of_frames=number))


def codestream(frame: bytes, name: str) -> bytes:
    if name != JP2_FILE:
        return frame
    begin = frame.index(b"\xff\x4f\xff\x51")
    return frame[begin:] + b"\0" * (begin % 2)


def by_dcmtk(path: Path) -> bytes:
    """Return what DCMTK reads in a file, but for lossy compression and UUIDs made up on the way."""
    return _OTHERWISE_IN_DCMTK.sub(b"", dcm2xml(path))


def post_json(running: "RunningService", name: str) -> "Answer":
    original = read_for_metadata(FILES[name])
    model, parts = as_json(original, original.file_meta.TransferSyntaxUID)
    return post(running, JSON, metadata([model]), *parts)


def post_xml(running: "RunningService", name: str) -> "Answer":
    syntax = dcmread(FILES[name]).file_meta.TransferSyntaxUID
    model, parts = as_xml(FILES[name], syntax)
    return post(running, XML, metadata(model, XML), *parts)


@pytest.mark.parametrize("name", sorted(FILES.keys() - REFUSED.keys()))
def test_the_json_that_pydicom_writes_is_stored_as_the_file_that_it_was(
    replacing: "RunningService", name: str
) -> None:
    check(replacing, post_json(replacing, name), name, set())


@pytest.mark.parametrize("name", sorted(FILES.keys() - REFUSED.keys() - NO_XML.keys()))
def test_the_xml_that_dcm2xml_writes_is_stored_as_the_file_that_it_was(
    replacing: "RunningService", name: str, tmp_path: Path
) -> None:
    expected, _ = OTHERWISE_IN_XML.get(name, (set(), ""))
    check(replacing, post_xml(replacing, name), name, expected)
    path = tmp_path / "stored.dcm"
    path.write_bytes(content(replacing, read_for_metadata(FILES[name])))
    assert (by_dcmtk(path) == by_dcmtk(FILES[name])) == (name not in OTHERWISE_IN_DCMTK)


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_contradicts_itself_is_refused_in_json(
    replacing: "RunningService", name: str
) -> None:
    answer = post_json(replacing, name)
    assert [reason for _, reason in answer.failed] == [REFUSED[name][0]]


@pytest.mark.parametrize("name", sorted(REFUSED.keys() - NO_XML.keys()))
def test_a_file_that_contradicts_itself_is_refused_in_xml(
    replacing: "RunningService", name: str
) -> None:
    answer = post_xml(replacing, name)
    assert [reason for _, reason in answer.failed] == [REFUSED[name][0]]


def test_most_sample_files_are_taken() -> None:
    assert len(FILES) > 100

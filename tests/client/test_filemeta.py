"""Files without preamble or File Meta Information: whole data sets are sent, and nothing else."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from dicomweb.errors import InstanceRejected
from stowport.filemeta import what_is_missing
from tests.builders import data_set, instance, part10, sop_uid
from tests.client.searching import searched, write

WHOLE = instance(1)
FILE_META_ALONE = WHOLE[132:]


def bare(image: Dataset, *, implicit_vr: bool = False) -> bytes:
    written = BytesIO()
    image.save_as(written, implicit_vr=implicit_vr, little_endian=True, enforce_file_format=False)
    return written.getvalue()


@pytest.mark.parametrize("implicit_vr", [True, False])
def test_a_data_set_without_file_meta_becomes_a_part_10_file(
    tmp_path: Path, implicit_vr: bool
) -> None:
    content = bare(data_set(), implicit_vr=implicit_vr)
    assert content[:2] == b"\x08\0"
    path = write(tmp_path / "a", content)
    for paths in ([tmp_path], [path]):
        search = searched(paths)
        assert search.found == [path]
        (made,) = search.contents
        assert made.endswith(content)
        read = dcmread(BytesIO(made))
        assert read == data_set()
        expected = ImplicitVRLittleEndian if implicit_vr else ExplicitVRLittleEndian
        assert read.file_meta.TransferSyntaxUID == expected
        assert read.file_meta.MediaStorageSOPInstanceUID == sop_uid()


def test_a_file_that_lacks_only_its_preamble_gets_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a", FILE_META_ALONE)
    search = searched([path])
    assert (search.found, search.contents) == ([path], [WHOLE])


def test_a_deflated_file_that_lacks_its_preamble_gets_it(tmp_path: Path) -> None:
    whole = part10(data_set(), DeflatedExplicitVRLittleEndian)
    write(tmp_path / "a", whole[132:])
    assert searched([tmp_path]).contents == [whole]


def test_a_data_set_in_a_zip_file_becomes_a_part_10_file_unless_it_is_very_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bare(data_set())
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("IM1", content)
    (made,) = searched([path]).contents
    assert made.endswith(content)
    monkeypatch.setattr("stowport.finding._MOST_IN_MEMORY", len(content) - 1)
    assert "unpack it" in searched([path]).missing[path / "IM1"]


def test_a_data_set_that_vanishes_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    path = write(tmp_path / "a", bare(data_set()))
    monkeypatch.setattr("stowport.finding.mmap", gone)
    assert "cannot be read" in searched([path]).missing[path]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (bare(data_set())[:-10], "the data set breaks"),
        (bare(data_set(), implicit_vr=True)[:-10], "the data set breaks"),
        (FILE_META_ALONE[:-10], "the data set breaks"),
        (bare(data_set(StudyInstanceUID=None)), "Study Instance UID"),
        (bare(data_set(SeriesInstanceUID="")), "Series Instance UID"),
    ],
)
def test_a_data_set_that_names_its_instance_and_is_not_whole_is_missing(
    tmp_path: Path, content: bytes, text: str
) -> None:
    path = write(tmp_path / "a", content)
    search = searched([tmp_path])
    assert search.found == []
    assert text in search.missing[path]


def test_compressed_pixel_data_without_a_transfer_syntax_is_missing(tmp_path: Path) -> None:
    image = data_set(PixelData=encapsulate([b"abcd"]))
    image["PixelData"].VR = "OB"
    image["PixelData"].is_undefined_length = True
    whole = part10(image, JPEGBaseline8Bit)
    start = whole.index(b"\x08\0\x05\0")
    path = write(tmp_path / "a", whole[start:])
    assert "compressed pixel data" in searched([tmp_path]).missing[path]
    path.write_bytes(whole[132:])
    assert searched([tmp_path]).contents == [whole]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x08\0",
        b"\x02\0" * 200,
        b"\x08\0" * 200,
        b"\x08\0\x05\0CS\x02\0AB",
        bare(data_set(SOPInstanceUID=None)),
        bare(data_set(SOPClassUID=None), implicit_vr=True),
        bare(data_set(SOPInstanceUID="x")),
        part10(data_set(), file_meta={"TransferSyntaxUID": None})[132:],
        part10(data_set(), file_meta={"MediaStorageSOPInstanceUID": None})[132:166],
    ],
)
def test_what_only_happens_to_parse_is_skipped(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "a", content)
    search = searched([tmp_path])
    assert (search.found, search.missing, search.skipped) == ([], {}, [path])


@given(st.sampled_from([b"\x08\0", b"\x02\0"]), st.binary(max_size=300))
def test_bytes_at_random_are_no_instance(start: bytes, rest: bytes) -> None:
    try:
        assert what_is_missing(memoryview(start + rest)) == b""
    except InstanceRejected:
        pytest.fail("found an instance in bytes at random")

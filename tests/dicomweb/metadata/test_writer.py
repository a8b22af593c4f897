"""What is written, as pydicom and DCMTK read it."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from pydicom import DataElement, Dataset, dcmread

from dicomweb.metadata.charactersets import settle
from dicomweb.metadata.writer import IMPLEMENTATION_CLASS_UID, write
from dicomweb.uids import is_uid
from tests import models, strategies
from tests.builders import data_set, sop_uid
from tests.shown import from_dataset

EXPLICIT = "1.2.840.10008.1.2.1"


def test_pydicom_reads_what_is_written() -> None:
    found = dcmread(io.BytesIO(write(from_dataset(data_set()), EXPLICIT)))
    assert found == data_set()
    assert found.preamble == bytes(128)
    assert found.file_meta.FileMetaInformationVersion == b"\0\1"
    assert found.file_meta.MediaStorageSOPClassUID == data_set().SOPClassUID
    assert found.file_meta.MediaStorageSOPInstanceUID == sop_uid()
    assert found.file_meta.TransferSyntaxUID == EXPLICIT
    assert found.file_meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID


@pytest.mark.process
def test_dcmtk_reads_what_is_written(tmp_path: Path) -> None:
    program = shutil.which("dcmdump")
    assert program, "dcmdump of DCMTK is needed for this test: apt-get install dcmtk"
    image = data_set(WindowCenter=[1.5, 2.5], ReferencedImageSequence=[Dataset(), data_set()])
    path = tmp_path / "written.dcm"
    path.write_bytes(write(from_dataset(image), EXPLICIT))
    dumped = subprocess.run(
        [program, "-q", "+L", path], capture_output=True, text=True, check=True
    ).stdout
    assert dumped.count("Planted^Name1") == 2
    assert "[1.5\\2.5]" in dumped
    assert "#  32, 1 PixelData" in dumped


def test_the_length_of_the_file_meta_is_right() -> None:
    content = bytes(write(from_dataset(data_set()), EXPLICIT))
    length = int.from_bytes(content[140:144], "little")
    assert content[144 + length :].startswith(b"\x08\x00\x05\x00CS")


def test_values_are_padded_and_tags_in_order() -> None:
    image = Dataset()
    image[0x00091003] = DataElement(0x00091003, "OB", b"\1")
    image[0x00091002] = DataElement(0x00091002, "UT", "abc")
    image[0x00091001] = DataElement(0x00091001, "OB", b"\2")
    image[0x00091001].VR = "UN"
    image[0x00091004] = DataElement(0x00091004, "UI", "1.2")
    content = bytes(write(from_dataset(image), EXPLICIT))
    assert content.endswith(
        b"\x09\x00\x01\x10UN\0\0\x02\0\0\0\2\0"
        b"\x09\x00\x02\x10UT\0\0\x04\0\0\0abc "
        b"\x09\x00\x03\x10OB\0\0\x02\0\0\0\1\0"
        b"\x09\x00\x04\x10UI\x04\x001.2\0"
    )


def test_a_value_that_is_too_long_for_its_vr_is_of_vr_un() -> None:
    image = data_set(PixelData=None)
    image[0x00091001] = DataElement(0x00091001, "US", list(range(40_000)))
    content = bytes(write(from_dataset(image), EXPLICIT))
    assert b"\x09\x00\x01\x10UN\0\0" + (80_000).to_bytes(4, "little") + b"\0\0\1\0" in content


def test_the_implementation_is_named_by_a_uid() -> None:
    assert is_uid(IMPLEMENTATION_CLASS_UID)


@given(models.data_sets)
def test_the_bytes_are_those_that_pydicom_writes(any_data_set: Dataset) -> None:
    for element in any_data_set.iterall():
        if isinstance(element.value, bytes) and len(element.value) % 2:
            element.value += b"\0"  # which pydicom does for OB only
    expected = strategies.written(any_data_set, implicit_vr=False)
    made = from_dataset(any_data_set)
    settle(made)
    assert bytes(write(made, EXPLICIT)).endswith(expected)

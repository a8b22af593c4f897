"""Metadata that others wrote: of pydicom's sample files, and as clients sent it."""

import json
import re
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from pydicom.data.data_manager import DATA_ROOT
from pydicom.dataset import Dataset

from tests import models, shown
from tests.sample_files import read_for_metadata

if TYPE_CHECKING:
    from dicomweb.errors import InstanceRejected

FILES = {
    "/".join(path.relative_to(DATA_ROOT).parts[1:]): path
    for path in sorted(Path(DATA_ROOT).rglob("*"))
    if path.is_file() and (path.suffix == ".dcm" or path.read_bytes()[128:132] == b"DICM")
}

NO_JSON = {"badVR.dcm": "a value of IS is no number, which pydicom cannot write in JSON"}

NO_XML = {
    "MR_truncated.dcm": "dcm2xml takes no file that is cut off",
    "SC_rgb_jpeg.dcm": "dcm2xml takes no VR of two blanks",
    "badVR.dcm": "a value of IS is no number, which pydicom does not read",
    "no_meta.dcm": "dcm2xml guesses wrong what it is",
    "rtplan_truncated.dcm": "dcm2xml takes no file that is cut off",
    **{name: "dcm2xml takes no directory records" for name in FILES if "/DICOMDIR" in name},
}

del NO_XML["dicomdirtests/DICOMDIR-empty.dcm"]  # it has none

NO_UNICODE = {
    "J2K_pixelrep_mismatch.dcm": "ISO 2022 IR 87",
    "chrH31.dcm": "ISO 2022 IR 87",
    "chrH32.dcm": "ISO 2022 IR 87",
    "chrJapMulti.dcm": "ISO 2022 IR 87",
    "chrJapMultiExplicitIR6.dcm": "ISO 2022 IR 87",
    "chrSQEncoding.dcm": "ISO 2022 IR 87 in an item",
    "chrSQEncoding1.dcm": "ISO 2022 IR 87 in an item",
}
"""Files with character sets that Debian's dcm2xml cannot convert, so that it writes no XML."""

OTHERWISE_IN_XML = {
    "UN_sequence.dcm": (
        {"(4453,000C)", "(4453,100C)"},
        "there is no private creator, and dcm2xml leaves out the block for which it stands",
    ),
    "chrX1.dcm": ({"(0010,0010)"}, "dcm2xml repeats the ideographic group as the phonetic one"),
    "chrX2.dcm": ({"(0010,0010)"}, "dcm2xml repeats the ideographic group as the phonetic one"),
    **dict.fromkeys(
        ("rtdose_rle.dcm", "rtdose_rle_1frame.dcm"),
        (
            {
                "(0008,0050)",
                "(0008,0090)",
                "(0010,0030)",
                "(0018,0050)",
                "(0020,0013)",
                "(0020,1040)",
            },
            "all elements are of VR UN, which pydicom does not leave so; here are the empty ones",
        ),
    ),
    "examples_palette.dcm": (
        {"(0018,6011)[1] > (0018,602C)", "(0018,6011)[1] > (0018,602E)"},
        "dcm2xml writes an FD with a digit more than is exact",
    ),
    "waveform_ecg.dcm": (
        {f"(7001,{block}{element})" for element in ("31", "32", "53") for block in ("00", "11")},
        "there is no private creator, and dcm2xml leaves out the block for which it stands",
    ),
}


@pytest.mark.parametrize("name", sorted(FILES.keys() - NO_JSON.keys()))
def test_the_json_that_pydicom_writes_is_read_as_the_same_data_set(name: str) -> None:
    original = read_for_metadata(FILES[name])
    with warnings.catch_warnings(action="ignore"):
        written = json.dumps([original.to_json_dict()])

    [metadata] = shown.read_json(memoryview(written.encode()))

    assert isinstance(metadata, shown.Shown)
    assert models.differences(metadata.data_set, original) == set()


@pytest.mark.parametrize("name", sorted(NO_JSON))
def test_pydicom_writes_no_json_of_the_files_left_out(name: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        read_for_metadata(FILES[name]).to_json_dict()


def dcm2xml(name: str, *options: str) -> "subprocess.CompletedProcess[bytes]":
    program = shutil.which("dcm2xml")
    assert program, "dcm2xml of DCMTK is needed for this test: apt-get install dcmtk"
    command = [program, "-nat", *options, str(FILES[name])]
    return subprocess.run(command, capture_output=True, check=False)


def read_xml(name: str, *options: str) -> shown.Shown:
    """Read what dcm2xml writes; a receiver could do nothing with its UUIDs for bulk data."""
    converted = dcm2xml(name, *options)
    assert converted.returncode == 0
    return shown.read_xml(
        memoryview(re.sub(rb'<BulkData uuid="', b'<BulkData uri="urn:uuid:', converted.stdout))
    )


def without(original: Dataset, metadata: shown.Shown) -> tuple[Dataset, Dataset]:
    """Return both data sets without the elements that are bulk data."""
    held = {(id(each.holder), each.tag) for each in metadata.bulk_data}
    _drop(original, metadata.data_set, held)
    return original, metadata.data_set


def _drop(original: Dataset, read: Dataset, held: set[tuple[int, int]]) -> None:
    for element in list(read):
        if (id(read), element.tag) in held:
            assert element.is_empty
            del read[element.tag]
            original.pop(element.tag, None)
        elif element.VR == "SQ" and element.tag in original:
            for items in zip(original[element.tag].value, element.value, strict=True):
                _drop(*items, held)


@pytest.mark.process
@pytest.mark.parametrize("name", sorted(FILES.keys() - NO_XML.keys() - NO_UNICODE.keys()))
def test_the_xml_that_dcm2xml_writes_in_unicode_is_read_as_the_same_data_set(name: str) -> None:
    metadata = read_xml(name, "+Xn", "+U8")

    original, read = without(read_for_metadata(FILES[name]), metadata)

    # dcm2xml writes the character set of the document into the data set, as UTF-8 it is no other.
    found = models.differences(original, read) - {"(0008,0005)"}
    expected, _ = OTHERWISE_IN_XML.get(name, (set(), ""))
    assert found == expected


ENCODED_OTHERWISE = {"chrI2.dcm", "chrKoreanMulti.dcm", *NO_UNICODE}
"""Files with ISO 2022 character sets: dcm2xml declares no encoding for them, and writes none."""


@pytest.mark.process
@pytest.mark.parametrize("name", sorted(FILES.keys() - NO_XML.keys() - ENCODED_OTHERWISE))
def test_the_xml_of_dcm2xml_without_namespace_and_in_its_own_encoding_is_read(name: str) -> None:
    metadata = read_xml(name)

    found = models.differences(*without(read_for_metadata(FILES[name]), metadata))

    expected, _ = OTHERWISE_IN_XML.get(name, (set(), ""))
    assert found == expected


@pytest.mark.process
@pytest.mark.parametrize("name", ["CT_small.dcm", "examples_rgb_color.dcm", "waveform_ecg.dcm"])
def test_inline_binary_of_dcm2xml_is_the_bytes_that_it_read(name: str) -> None:
    metadata = read_xml(name, "+Eb")

    original = read_for_metadata(FILES[name])
    found = {
        element.tag
        for element in metadata.data_set
        if element.VR in ("OB", "UN") and element.value and element.tag in original
    }

    # dcm2xml 3.6.7 writes an OW in Big Endian and encapsulated pixel data not at all.
    assert found
    assert {tag: metadata.data_set[tag].value for tag in found} == {
        tag: original[tag].value for tag in found
    }


@pytest.mark.process
@pytest.mark.parametrize("name", sorted((NO_UNICODE | NO_XML).keys() - {"badVR.dcm"}))
def test_dcm2xml_writes_no_unicode_of_the_files_left_out(name: str) -> None:
    assert dcm2xml(name, "+U8").returncode != 0


@pytest.mark.process
def test_a_value_that_is_no_number_is_kept_as_it_is_in_the_file() -> None:
    assert read_xml("badVR.dcm").data_set[0x00280008].value == "1A"


WIRE = {
    "dcm4che-jp2-xml-1": 1,
    "dcm4che-jpg-json-ph-tsuid-1": 1,
    "dcm4che-jpg-xml-1": 1,
    "dcm4che-jpg2-json-1": 2,
    "dcm4che-jpg2-xml-1": 2,
    "dcm4che-mp4-json-1": 1,
    "dcm4che-pdf-xml-1": 1,
    "dcm4che-png-xml-1": 1,
}


def wire_metadata(name: str) -> tuple[list[shown.Shown], set[str]]:
    """Return the metadata of a captured request, and where its bulk data is."""
    instances: list[shown.Shown | InstanceRejected] = []
    locations: set[str] = set()
    for headers, content in models.wire_parts(name):
        if headers["content-type"].startswith("application/dicom+xml"):
            instances.append(shown.read_xml(content))
        elif headers["content-type"].startswith("application/dicom+json"):
            instances += shown.read_json(content)
        else:
            locations.add(headers["content-location"])
    return [instance for instance in instances if isinstance(instance, shown.Shown)], locations


@pytest.mark.parametrize(("name", "count"), WIRE.items())
def test_what_dcm4che_sends_is_read_and_refers_to_the_parts_that_they_sent(
    name: str, count: int
) -> None:
    instances, locations = wire_metadata(name)

    referred = [each.uri for instance in instances for each in instance.bulk_data]
    assert len(instances) == count
    assert sorted(referred) == sorted(locations)
    assert not any(instance.discarded_file_meta for instance in instances)


@pytest.mark.parametrize("name", sorted(WIRE.keys() - {"dcm4che-pdf-xml-1"}))
def test_metadata_of_dcm4che_refers_to_its_pixel_data(name: str) -> None:
    for instance in wire_metadata(name)[0]:
        [reference] = instance.bulk_data
        assert (reference.holder is instance.data_set, reference.tag) == (True, 0x7FE00010)
        assert instance.data_set[0x7FE00010].VR == "OB"
        assert reference.uri == quote(reference.uri)


def test_json_of_dcm4che_is_unicode_whatever_its_character_set() -> None:
    instances, _ = wire_metadata("dcm4che-jpg2-json-1")

    assert {str(instance.data_set.PatientName) for instance in instances} == {"Müller^Jürgen"}
    assert {instance.data_set.SpecificCharacterSet for instance in instances} == {"ISO_IR 100"}


def test_xml_of_odil_is_the_file_that_it_read_and_has_locations_as_values_of_vr_ur() -> None:
    [instance], locations = wire_metadata("odil-xml-1")

    read, original = instance.data_set, read_for_metadata(FILES["CT_small.dcm"])

    binary = {element.tag for element in read if element.VR == "UR"}
    assert {read[tag].value for tag in binary} == locations
    assert {original[tag].VR for tag in binary} == {"OB", "OW"}
    assert models.differences(original, read) == {
        f"({tag.group:04X},{tag.element:04X})" for tag in binary
    }
    assert read[0x00090010].value == "GEMS_IDEN_01"
    assert read.get_private_item(0x0009, 0xE6, "GEMS_IDEN_01").value == "05"

"""Every compressed sample file of pydicom as metadata with its frames as parts, and back."""

import json
import warnings
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames

from dicomweb.conformance import StorageProfile
from dicomweb.instances import SOPInstance, receive
from dicomweb.payloads import candidates, read_parts
from dicomweb.reasons import FailureReason
from tests import models
from tests.builders import multipart, series_uid, sop_uid, study_uid
from tests.sample_files import FILES, read_for_metadata
from tests.split_bulk_data import JSON, PIXEL_DATA, XML, Split, content_type, metadata


def _is_compressed(name: str) -> bool:
    data_set = read_for_metadata(FILES[name])
    syntax = data_set.file_meta.get("TransferSyntaxUID")
    return PIXEL_DATA in data_set and syntax is not None and syntax.is_encapsulated


COMPRESSED = [name for name in FILES if _is_compressed(name)]
REFUSED = {
    "test_files/J2K_pixelrep_mismatch.dcm": FailureReason.DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
    "test_files/JPEG2000-embedded-sequence-delimiter.dcm": (
        FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED
    ),
}
"""Signed by the bits only, and a codestream whose size a delimiter was planted in."""

BOXED = "test_files/GDCMJ2K_TextGBR.dcm"
"""Its frame is a JP2 file; only the codestream is pixel data (PS3.5 A.4.4)."""


def frames(data_set: Dataset) -> list[bytes]:
    number = int(data_set.get("NumberOfFrames") or 1)
    return list(generate_frames(data_set.PixelData, number_of_frames=number))


def split(name: str, media_type: str) -> tuple[str, list[bytes], Dataset]:
    """Return the metadata of a file, its frames as parts, and the file, with all UIDs."""
    original = read_for_metadata(FILES[name])
    original.SOPClassUID = original.get("SOPClassUID") or "1.2.840.10008.5.1.4.1.1.7"
    original.SOPInstanceUID = original.get("SOPInstanceUID") or sop_uid()
    original.StudyInstanceUID = original.get("StudyInstanceUID") or study_uid()
    original.SeriesInstanceUID = original.get("SeriesInstanceUID") or series_uid()
    parts = Split(original, original.file_meta.TransferSyntaxUID)
    uri = parts.element(original[PIXEL_DATA])
    bare = Dataset({tag: element for tag, element in original.items() if tag != PIXEL_DATA})
    with warnings.catch_warnings(action="ignore"):
        if media_type == JSON:
            model = bare.to_json_dict() | {"7FE00010": {"vr": "OB", "BulkDataURI": uri}}
            return json.dumps([model]), parts.parts, original
        end = "</NativeDicomModel>"
        reference = (
            f'<DicomAttribute tag="7FE00010" vr="OB"><BulkData uri="{uri}"/></DicomAttribute>'
        )
        text = str(models.native_xml(bare), "utf-8").replace(end, reference + end)
        return text, parts.parts, original


@pytest.mark.parametrize("media_type", [JSON, XML])
@pytest.mark.parametrize("name", COMPRESSED)
def test_each_frame_is_stored_as_it_was(name: str, media_type: str) -> None:
    text, parts, original = split(name, media_type)
    payload = multipart(metadata(text, media_type), *parts)
    offered = candidates(
        *read_parts(content_type(media_type), payload), url="https://host", study_instance_uid=None
    )
    [outcome] = [
        receive(one, study_instance_uid=None, profile=StorageProfile.ANY_STORAGE) for one in offered
    ]
    if name in REFUSED:
        assert not isinstance(outcome, SOPInstance)
        assert outcome.reason == REFUSED[name]
        return
    assert isinstance(outcome, SOPInstance), outcome
    assert outcome.transfer_syntax_uid == original.file_meta.TransferSyntaxUID
    sent, kept = frames(original), frames(dcmread(BytesIO(outcome.content)))
    if name == BOXED:
        sent = [frame[frame.index(b"\xff\x4f\xff\x51") :] for frame in sent]
        kept = [frame[: len(one)] for frame, one in zip(kept, sent, strict=True)]
    assert kept == sent


def test_there_are_many() -> None:
    assert len(COMPRESSED) >= 38

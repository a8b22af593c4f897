"""Inputs that targets begin with: files of the tests, of pydicom, and some made for the purpose.

Their values are the canary wherever a value may be any text.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from tests import builders, models, sample_files, split_bulk_data
from tests.fuzz.mutations import CANARY

_TESTS = Path(__file__).parents[1]
_LARGEST_SEED = 1 << 17

_NAMED: dict[str, Any] = {
    "PatientName": f"{CANARY}^{CANARY}",
    "PatientID": CANARY,
    "AccessionNumber": CANARY,
    "StudyID": CANARY,
}


def wire() -> tuple[bytes, ...]:
    """Return requests of real clients, each a head, an empty line and a payload."""
    return tuple(path.read_bytes() for path in sorted((_TESTS / "wire").glob("*.http")))


def metadata_requests() -> tuple[bytes, ...]:
    """Return requests of metadata: those of the wire, and those that once were judged wrongly."""
    head = b'\r\nContent-Type: multipart/related; type="application/dicom+json"; boundary='
    bodies = [path.read_bytes() for path in sorted(_TESTS.glob("metadata_requests/*.body"))]
    of_wire = [each for each in wire() if b"application/dicom+" in each.partition(b"\r\n\r\n")[0]]
    return (
        *(head + body.partition(b"\r\n")[0][2:] + b"\r\n\r\n" + body for body in bodies),
        *of_wire,
        request(
            split_bulk_data.metadata([model(PixelData="OW")]),
            split_bulk_data.bulk(bytes(range(32)), "PixelData"),
        ),
    )


def request(*parts: bytes, media_type: str = split_bulk_data.JSON) -> bytes:
    """Return a multipart request."""
    head = f"POST /studies HTTP/1.1\r\nContent-Type: {split_bulk_data.content_type(media_type)}"
    return head.encode() + b"\r\n\r\n" + builders.multipart(*parts)


def part10_files() -> tuple[bytes, ...]:
    """Return Part 10 files, small ones."""
    paths = (*sample_files.FILES.values(), *sorted((_TESTS / "dicomweb/part10/cases").glob("*")))
    found = [path.read_bytes() for path in paths if path.stat().st_size <= _LARGEST_SEED]
    return (builders.instance(**_NAMED), *found)


@cache
def _documents() -> list[Any]:
    datasets = [sample_files.read_for_metadata(path) for path in _charset_files()]
    return [builders.data_set(**_NAMED), *datasets]


def _charset_files() -> list[Path]:
    return list(sample_files.CHARSET_FILES.values())[:6]


def model(**bulk_data: str) -> dict[str, Any]:
    """Return an image in JSON; ``bulk_data`` says which elements are references, and their VRs."""
    image = builders.data_set(**_NAMED)
    for keyword in bulk_data:
        image.pop(keyword, None)
    tags = {"PixelData": "7FE00010", "EncapsulatedDocument": "00420011"}
    found: dict[str, Any] = image.to_json_dict()
    for keyword, vr in bulk_data.items():
        found[tags[keyword]] = {"vr": vr, "BulkDataURI": keyword}
    return found


def json_documents() -> tuple[bytes, ...]:
    """Return metadata in the DICOM JSON Model."""
    found = [data_set.to_json_dict() for data_set in _documents()]
    return tuple(json.dumps([each]).encode() for each in found)


def xml_documents() -> tuple[bytes, ...]:
    """Return metadata in the Native DICOM Model."""
    return tuple(bytes(models.native_xml(data_set)) for data_set in _documents())

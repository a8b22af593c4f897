"""Any metadata and bulk data become instances, or are refused with reasons in ASCII.

The instances have the same bytes whenever they are made: a request that is sent again is no other.
"""

from contextlib import suppress

from dicomweb.errors import MalformedRequest
from dicomweb.outcomes import Failed
from dicomweb.payloads import candidates, read_parts
from tests.dicomweb.codestreams.bitstreams import NAMES, file
from tests.fuzz import hostile, seeds
from tests.fuzz.invariants import check_received, check_text
from tests.fuzz.mutate_parts import change_parts
from tests.fuzz.requests import Request
from tests.split_bulk_data import bulk, metadata

WORK = 2

_STUDY = "1.2.3"
_FRAMES = {"7FE00010": {"vr": "OW", "BulkDataURI": "p/frames/1,2"}}
_TEXT = {"00091010": {"vr": "UT", "BulkDataURI": "t"}, "00091011": {"vr": "DS", "BulkDataURI": "t"}}
_MODEL = seeds.model(PixelData="OW")

SEEDS = (
    *seeds.metadata_requests(),
    *hostile.requests(),
    *(
        seeds.request(metadata([_MODEL]), bulk(file(name), "PixelData", "image/jpeg"))
        for name in NAMES
    ),
    seeds.request(
        metadata([_MODEL | _FRAMES]), bulk(bytes(32), "p/frames/1"), bulk(bytes(32), "p/frames/2")
    ),
    seeds.request(metadata([_MODEL | _TEXT]), bulk(b"1\\2", "t"), bulk(bytes(32), "PixelData")),
    seeds.request(
        metadata([seeds.model(PixelData="OW", EncapsulatedDocument="OB")]),
        bulk(b"%PDF-1.4", "EncapsulatedDocument", "application/pdf"),
        bulk(bytes(32), "PixelData"),
    ),
)
mutation = change_parts


def _instances(request: bytes) -> list[bytes | None]:
    read = Request.read(request)
    root_type, parts = read_parts(read.content_type, read.payload)
    found: list[bytes | None] = []
    for one in candidates(root_type, parts, url="http://h/studies", study_instance_uid=_STUDY):
        check_text(one.text)
        outcome = check_received(one)
        found.append(None if isinstance(outcome, Failed) else bytes(outcome.content))
    return found


def target(request: bytes) -> None:
    """Make the instances of a request, twice."""
    with suppress(MalformedRequest):
        assert _instances(request) == _instances(request)

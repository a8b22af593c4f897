"""Any request gets an answer that can be read; what is accepted is kept as it was sent, for good.

The request is sent twice.
"""

import re

import store.handler
from archive.entries import DuplicatePolicy
from dicomweb.conformance import StorageProfile
from dicomweb.part10.file import PreamblePolicy
from events.proxy import store_event
from store.settings import Settings
from tests import builders
from tests.fuzz import seeds
from tests.fuzz.invariants import check_reply
from tests.fuzz.mutate_parts import change_parts
from tests.fuzz.requests import Request
from tests.fuzz.standins import Archive, handled

WORK = 2

SEEDS = (
    *seeds.wire(),
    *seeds.metadata_requests(),
    b"\r\nContent-Type: application/dicom\r\n\r\n" + seeds.part10_files()[0],
    b"\r\nContent-Type: application/dicom+json\r\n\r\n" + seeds.json_documents()[0],
    b"\r\nContent-Type: application/dicom+xml\r\nAccept: application/dicom+json\r\n\r\n"
    + seeds.xml_documents()[0],
    f"\r\nContent-Type: {builders.content_type()}\r\n\r\n".encode()
    + builders.multipart(*(builders.part(builders.instance(number=each)) for each in range(3))),
)
mutation = change_parts

_MODELS = re.compile(rb"json|xml", re.IGNORECASE)
_SETTINGS = Settings(
    archive_bucket="b",
    index_table="t",
    storage_profile=StorageProfile.ANY_STORAGE,
    preamble_policy=PreamblePolicy.KEEP,
    duplicate_policy=DuplicatePolicy.REJECT,
    retention=None,
    retrieves=True,
    retrieve_base_url="",
    allowed_origins=frozenset(),
)


def _post(archive: Archive, request: Request) -> tuple[int, str]:
    event = store_event(
        request.payload, request.content_type, study=request.study, headers=request.headers
    )
    reply = handled(store.handler, event, 28, _SETTINGS, archive=archive)
    return check_reply(reply), str(reply["body"])


def target(data: bytes) -> None:
    """Send a request, and send it again."""
    request = Request.read(data)
    archive = Archive()
    status, body = _post(archive, request)
    stored = dict(archive.stored)
    assert bool(stored) <= (status in (200, 202))
    assert status != 200 or stored
    if not _MODELS.search(data):
        assert all(content in request.payload for content in stored.values())
    assert _post(archive, request) == (status, body)
    assert archive.stored == stored

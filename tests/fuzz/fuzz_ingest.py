"""Any staged body ends its upload, with an answer that can be read."""

import gc

import ingest.handler
import uploads.handler
from archive.entries import DuplicatePolicy
from archive.uploads import State, Upload
from dicomweb.conformance import StorageProfile
from dicomweb.part10.file import PreamblePolicy
from events.proxy import staged_event, upload_event
from ingest.settings import Settings
from tests.fuzz import fuzz_store
from tests.fuzz.fuzz_uploads import SETTINGS as UPLOADS_SETTINGS
from tests.fuzz.invariants import check_reply
from tests.fuzz.mutate_parts import change_parts
from tests.fuzz.requests import Request
from tests.fuzz.standins import Archive, Staging, Uploads, handled

SEEDS = fuzz_store.SEEDS
mutation = change_parts

_ID = "A" * 32
_SETTINGS = Settings(
    archive_bucket="b",
    index_table="t",
    upload_table="u",
    storage_profile=StorageProfile.ANY_STORAGE,
    preamble_policy=PreamblePolicy.KEEP,
    duplicate_policy=DuplicatePolicy.REJECT,
    retention=None,
    largest_body=10**10,
    max_attempts=5,
    ingest_queue="q",
    visibility_timeout=1000,
)


def _ingest(body: bytes, archive: Archive, staging: Staging, known: Uploads) -> None:
    staged = {"key": f"staging/{_ID}", "size": len(body), "etag": "e", "version-id": "v"}
    clients = {"archive": archive, "staging": staging, "uploads": known}
    gc.freeze()  # else a collection goes through all that the fuzzer has
    try:
        handled(ingest.handler, staged_event("b", staged), 900, _SETTINGS, **clients)
    finally:
        gc.unfreeze()


def _look_up(staging: Staging, known: Uploads, accept: str) -> int:
    event = upload_event(_ID, {"Accept": accept})
    clients = {"staging": staging, "uploads": known}
    return check_reply(handled(uploads.handler, event, 28, UPLOADS_SETTINGS, **clients))


def target(data: bytes) -> None:
    """Ingest the payload of a request, and look up what became of it."""
    request = Request.read(data)
    if not request.payload:
        return  # none can be announced
    archive, staging, known = Archive(), Staging(request.payload), Uploads()
    upload = Upload(
        id=_ID,
        base_url="http://h",
        content_type=request.content_type or "",
        size=len(request.payload),
        study_instance_uid=request.study,
        principal="",
        created=0,
    )
    known.offer(upload, 1)
    _ingest(request.payload, archive, staging, known)
    assert known.known[_ID].state is State.DONE
    status = _look_up(staging, known, request.headers.get("accept", ""))
    assert bool(archive.stored) <= (status in (200, 202))
    assert status != 200 or archive.stored

"""Any staged body ends its upload, with an answer that can be read."""

import gc
from typing import Any
from unittest import mock

import ingest.handler
import uploads.handler
from archive import DuplicatePolicy
from archive.uploads import State, Upload
from dicomweb.conformance import StorageProfile
from dicomweb.part10.file import PreamblePolicy
from events.proxy import staged_event, upload_event
from ingest.settings import Settings
from tests.fuzz import fuzz_store
from tests.fuzz.fuzz_uploads import SETTINGS as UPLOADS_SETTINGS
from tests.fuzz.invariants import check_reply, logged
from tests.fuzz.mutate_parts import change_parts
from tests.fuzz.standins import Archive, Staging, Uploads
from tests.store.lambdas import Context

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
    with (
        logged(),
        mock.patch.multiple(
            ingest.handler,
            settings=lambda: _SETTINGS,
            archive=lambda _: archive,
            staging=lambda _: staging,
            uploads=lambda _: known,
        ),
    ):
        gc.freeze()  # else a collection goes through all that the fuzzer has
        try:
            ingest.handler.lambda_handler(staged_event("b", staged), Context(900))
        finally:
            gc.unfreeze()


def _look_up(staging: Staging, known: Uploads, accept: str) -> dict[str, Any]:
    with (
        logged(),
        mock.patch.multiple(
            uploads.handler,
            settings=lambda: UPLOADS_SETTINGS,
            staging=lambda _: staging,
            uploads=lambda _: known,
        ),
    ):
        return uploads.handler.lambda_handler(upload_event(_ID, {"Accept": accept}), Context(28))


def target(data: bytes) -> None:
    """Ingest the payload of a request, and look up what became of it."""
    request = fuzz_store.Request.read(data)
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
    status = check_reply(_look_up(staging, known, request.headers.get("accept", "")))
    assert bool(archive.stored) <= (status in (200, 202))
    assert status != 200 or archive.stored

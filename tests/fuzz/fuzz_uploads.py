"""Any announcement is offered a place or refused with an answer that can be read."""

import json
from typing import Any

import uploads.handler
from events.proxy import announcement_event, upload_event
from tests.fuzz.invariants import check_reply
from tests.fuzz.mutate_documents import change_json
from tests.fuzz.standins import Staging, Uploads, handled
from uploads.settings import Settings

SETTINGS = Settings(
    archive_bucket="b",
    upload_table="u",
    largest_body=10**10,
    upload_seconds=3600,
    max_pending_uploads=9,
    retrieves=True,
    retrieve_base_url="",
    allowed_origins=frozenset(),
)
_TYPE = 'multipart/related; type="application/dicom"; boundary=b'

SEEDS = (
    json.dumps({"contentType": _TYPE, "size": 1000, "studyInstanceUID": "1.2.3"}).encode(),
    json.dumps({"contentType": "application/dicom+json", "size": 6 * 10**9}).encode(),
    b"A" * 32,
)
mutation = change_json


def _send(event: dict[str, Any], known: Uploads) -> dict[str, Any]:
    clients = {"staging": Staging(), "uploads": known}
    reply: dict[str, Any] = handled(uploads.handler, event, 28, SETTINGS, **clients)
    assert check_reply(reply) in (200, 400)
    return reply


def target(data: bytes) -> None:
    """Announce a body, and look up an upload of that name."""
    text = data.decode("utf-8", "replace")
    known = Uploads()
    reply = _send(announcement_event(text), known)
    assert (reply["statusCode"] == 200) == bool(known.known)
    for upload in (text, *known.known):
        found = _send(upload_event(upload), known)
        assert (found["statusCode"] == 200) == (upload in known.known)

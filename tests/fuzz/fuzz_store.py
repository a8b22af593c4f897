"""Any request gets an answer that can be read; what is accepted is kept as it was sent, for good.

An input is a request as a client sends it: a head, an empty line and a payload.
"""

import re
from dataclasses import dataclass
from typing import Any
from unittest import mock

import store.handler
from archive import DuplicatePolicy
from dicomweb.conformance import StorageProfile
from dicomweb.part10.file import PreamblePolicy
from events.proxy import store_event
from store.settings import Settings
from tests import builders
from tests.fuzz import seeds
from tests.fuzz.invariants import check_reply, logged
from tests.fuzz.mutate_parts import change_parts
from tests.fuzz.mutations import MAX_HEAD
from tests.fuzz.standins import Archive
from tests.store.lambdas import Context

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

_TARGET = re.compile(rb"\A\w+ \S*/studies/([^ ?]*)")
_MODELS = re.compile(rb"json|xml", re.IGNORECASE)
_FIELD = re.compile(rb"\r\n([\w-]+):[ \t]*([^\r\n]*)")
_SETTINGS = Settings(
    archive_bucket="b",
    index_table="t",
    storage_profile=StorageProfile.ANY_STORAGE,
    preamble_policy=PreamblePolicy.KEEP,
    duplicate_policy=DuplicatePolicy.REJECT,
    retention=None,
    retrieve_base_url="",
    allowed_origins=frozenset(),
)


@dataclass(frozen=True)
class Request:
    """What a head says: the study of the target, and the fields; and the payload."""

    study: str | None
    headers: dict[str, str]
    payload: bytes

    @property
    def content_type(self) -> str | None:
        return self.headers.get("content-type")

    @classmethod
    def read(cls, request: bytes) -> "Request":
        head, _, payload = request.partition(b"\r\n\r\n")
        study = _TARGET.match(head[:MAX_HEAD])
        fields = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in _FIELD.findall(b"\r\n" + head[:MAX_HEAD])
        }
        return cls(study.group(1).decode("latin-1") if study else None, fields, payload)


def _event(request: Request) -> dict[str, Any]:
    return store_event(
        request.payload, request.content_type, study=request.study, headers=request.headers
    )


def _post(archive: Archive, request: Request) -> tuple[int, str]:
    handler = store.handler
    with (
        logged(),
        mock.patch.object(handler, "archive", return_value=archive),
        mock.patch.object(handler, "settings", return_value=_SETTINGS),
    ):
        reply = handler.lambda_handler(_event(request), Context(28))
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

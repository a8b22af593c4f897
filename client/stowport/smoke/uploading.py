"""Checks of uploads: through S3, EventBridge, SQS and ingest, and back."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from threading import Timer
from typing import Any

from stowport.bodies import Buffer, Part, RelatedBody
from stowport.messages import Request
from stowport.smoke.storing import confirmed, refused
from stowport.smoke.target import Failed, Target, described, expect
from stowport.staging import UploadRefused
from stowport.transport import Stopped
from stowport.uploads import NoUploads, Uploads, without_length

_FIRST = 1000
_SECONDS = 120
_BYTES_PER_SECOND = 1_000_000


def uploads(target: Target) -> str:
    """Upload instances of 10 MB or less, as many as fit into the size that was asked for."""
    first = target.study.large(_FIRST, target.upload)
    numbers = range(_FIRST, _FIRST + max(target.upload // len(first), 1))
    contents = [Buffer(memoryview(target.study.large(number, target.upload))) for number in numbers]
    body = RelatedBody([Part(content=content) for content in contents])
    seconds = _SECONDS + body.size // _BYTES_PER_SECOND
    transport = target.transport.apart()
    timer = Timer(seconds, transport.stop.set)
    timer.start()
    try:
        response = Uploads(transport, target.url).store(body, None, lambda _: None)
    except (NoUploads, UploadRefused) as error:
        raise Failed(str(error)) from error
    except Stopped as error:
        raise Failed(f"found no answer to an upload within {seconds} seconds") from error
    finally:
        timer.cancel()
    confirmed(response, [target.study.sop_instance_uid(number) for number in numbers])
    return f"{body.size} bytes, {len(numbers)} instances"


def refuses_other_bodies(target: Target) -> str:
    """Put a body of another length, and one of another type, than was announced."""
    ticket = _announced(target, size=4)
    _expect_refused(target, ticket, b"12345", ticket["headers"])
    _expect_refused(target, ticket, b"1234", {**ticket["headers"], "Content-Type": "text/plain"})
    return "S3 answers 403"


def takes_one_body(target: Target) -> str:
    """Put a body a second time: If-None-Match is signed, so that the first is kept."""
    ticket = _announced(target, size=4)
    first = _put(target, ticket, b"1234", ticket["headers"])
    if first != HTTPStatus.OK:
        raise Failed(f"found {first}, expected 200")
    second = _put(target, ticket, b"5678", ticket["headers"])
    # It is 200 if the first was ingested and deleted in between.
    if second not in (HTTPStatus.OK, HTTPStatus.PRECONDITION_FAILED):
        raise Failed(f"found {second}, expected 412")
    return f"S3 answers {second}"


def refuses_unknown_uploads(target: Target) -> str:
    """Ask for an upload that was never offered."""
    return refused(target.send("GET", f"/uploads/{'A' * 32}"), 400)


def refuses_announcements(target: Target) -> str:
    """Announce nothing."""
    headers = {"Content-Type": "application/json"}
    return refused(target.send("POST", "/uploads", b"{}", headers), 400)


def _announced(target: Target, size: int) -> Mapping[str, Any]:
    wanted = {"contentType": "application/dicom", "size": size}
    headers = {"Content-Type": "application/json"}
    response = expect(target.send("POST", "/uploads", json.dumps(wanted).encode(), headers), 200)
    try:
        ticket: Mapping[str, Any] = json.loads(response.body)
    except ValueError as error:
        raise Failed(f"found {described(response)}, expected JSON") from error
    return ticket


def _expect_refused(
    target: Target, ticket: Mapping[str, Any], content: bytes, headers: Mapping[str, str]
) -> None:
    status = _put(target, ticket, content, headers)
    if status != HTTPStatus.FORBIDDEN:
        raise Failed(f"found {status} of S3, expected 403: the body was not what was announced")


def _put(
    target: Target, ticket: Mapping[str, Any], content: bytes, headers: Mapping[str, str]
) -> int:
    request = Request(
        method="PUT",
        url=ticket["url"],
        headers=without_length(headers),
        size=len(content),
        blocks=lambda: (content,),
    )
    return target.transport.exchange(request).status

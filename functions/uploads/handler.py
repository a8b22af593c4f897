"""Uploads, step by step: announced with POST, put into S3, looked up with GET."""

import json
import re
import secrets
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from archive.errors import archive_error
from archive.staging import LARGEST_PUT_BYTES, Staging
from archive.uploads import SECONDS_UNSEEN, State, Upload, Uploads
from dicomweb.answer import response
from dicomweb.answer.response import StoreResponse
from dicomweb.envelope import mediatypes
from dicomweb.errors import MalformedRequest, RequestRejected
from dicomweb.reasons import FailureReason
from transaction import gateway, journal, outcomejson
from transaction.gateway import StoreRequest
from transaction.invocation import answered, in_time
from transaction.outcomejson import Refusal, Result
from uploads.announcements import Announcement, read_announcement
from uploads.settings import Settings, settings

SECONDS_TO_ANSWER = 2.0
"""How much of the function's time is kept back for the answer."""

JSON = "application/json"
_ID_BYTES = 24
_ID = re.compile(r"[A-Za-z0-9_-]{32}")

_GIVEN_UP = Refusal(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    reason=FailureReason.PROCESSING_FAILURE,
    text="the upload was given up because its body did not arrive or could not be processed; what"
    " arrived is kept for two days: ask the operator to process it, or send it in a new upload",
)
_OUT_OF_RESOURCES = (HTTPStatus.SERVICE_UNAVAILABLE, FailureReason.OUT_OF_RESOURCES)
_ASK_AGAIN = "the request cannot be answered for now: send it again"
SECONDS_UNTIL_ANOTHER_MAY_HAVE_ENDED = "60"

_BYTES_A_SECOND = 100_000_000
"""How fast a body is ingested at least, unless it has to wait for others."""

SECONDS_BETWEEN_LOOKS = (1, 5)
"""The least and the most that a sender is asked to wait before it looks again."""


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request. Whatever happens, the status is of the closed set."""
    return answered(
        event,
        lambda request: serve_in_time(event, request, settings(), context),
        lambda: settings().allowed_origins,
    )


def serve_in_time(
    event: dict[str, Any], request: StoreRequest, chosen: Settings, context: LambdaContext
) -> StoreResponse:
    """Answer before the function's time ends, even if an answer of AWS comes byte by byte."""
    seconds = context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_ANSWER
    media_type = mediatypes.negotiate(request.headers.get("accept"), request.accept_parameter)
    try:
        return in_time(seconds, serve, event, request, media_type, chosen)
    except TimeoutError:
        return refuse(request, media_type, *_OUT_OF_RESOURCES, _ASK_AGAIN)


def serve(
    event: dict[str, Any], request: StoreRequest, media_type: str, chosen: Settings
) -> StoreResponse:
    """Offer an upload or report on one, or say why not."""
    try:
        if request.method == "POST":
            return offer(gateway.take_payload(event, request), request, media_type, chosen)
        return look_up(request, media_type, chosen)
    except Exception as error:  # noqa: BLE001 - else there is no reason in the answer
        return refuse(request, media_type, *refusal_of(error, request))


def refusal_of(error: Exception, request: StoreRequest) -> tuple[HTTPStatus, FailureReason, str]:
    """Return status, reason and text for a request that ``error`` ended.

    A failed look-up says nothing about the upload, so it is A700, and the sender asks again. 0110
    is only for an upload that was given up.
    """
    if isinstance(error, RequestRejected):
        return response.refusal_of(error)
    is_temporary = archive_error(error).temporary
    if not is_temporary:
        journal.log_unforeseen(error, request_id=request.request_id)
    if is_temporary or request.method == "GET":
        return *_OUT_OF_RESOURCES, _ASK_AGAIN
    return response.refusal_of(error)


def refuse(
    request: StoreRequest, media_type: str, status: HTTPStatus, reason: FailureReason, text: str
) -> StoreResponse:
    """Record a refusal, and return its answer."""
    journal.record_refusal(status, reason, text, request_id=request.request_id)
    return response.refusal(status, reason, text, media_type)


def offer(
    payload: bytes, request: StoreRequest, media_type: str, chosen: Settings
) -> StoreResponse:
    """Say where the announced body goes, unless its sender has too many pending uploads."""
    announced = read_announcement(payload, chosen.largest_body)
    created = int(time.time())
    upload = Upload(
        id=secrets.token_urlsafe(_ID_BYTES),
        base_url=request.base_url,
        content_type=announced.content_type,
        size=announced.size,
        study_instance_uid=announced.study_instance_uid,
        principal=request.principal,
        created=created,
        failed_after=created + chosen.upload_seconds + SECONDS_UNSEEN,
    )
    location = f"{request.base_url}/uploads/{upload.id}"
    expires = datetime.fromtimestamp(upload.created + chosen.upload_seconds, UTC)
    # Recorded first: the body of an unknown upload would not be ingested.
    if not uploads(chosen).offer(upload, chosen.max_pending_uploads):
        return wait_for_others(request, media_type, chosen)
    try:
        where = places(upload.id, announced, chosen)
    except Exception:
        uploads(chosen).fail(upload.id)  # else it would count as pending
        raise
    body = {
        "id": upload.id,
        "location": location,
        "expires": expires.isoformat().replace("+00:00", "Z"),
        **where,
    }
    origin = {"request_id": request.request_id, "upload": upload.id}
    journal.logger.info("offer", extra={**origin, "size": upload.size})
    journal.count(UploadsOffered=1)
    headers = {"Location": location}
    return StoreResponse(
        status=HTTPStatus.OK, media_type=JSON, body=json.dumps(body), headers=headers
    )


def wait_for_others(request: StoreRequest, media_type: str, chosen: Settings) -> StoreResponse:
    """Refuse an announcement until another upload of its sender has ended."""
    text = (
        f"found {chosen.max_pending_uploads} pending uploads of this sender, expected fewer:"
        " announce this one again when another has ended"
    )
    answer = refuse(request, media_type, *_OUT_OF_RESOURCES, text)
    return replace(answer, headers={"Retry-After": SECONDS_UNTIL_ANOTHER_MAY_HAVE_ENDED})


def places(upload_id: str, announced: Announcement, chosen: Settings) -> dict[str, Any]:
    """Return the requests that put the body into S3: one, or one for each of its parts."""
    content_type, size = announced.content_type, announced.size
    bucket, seconds = staging(chosen), chosen.upload_seconds
    if size <= LARGEST_PUT_BYTES:
        put = bucket.presign_put(upload_id, content_type, size, seconds)
        return {"method": "PUT", "headers": put.headers, "url": put.url}
    parts, complete = bucket.presign_parts(upload_id, content_type, size, seconds)
    return {
        "method": "PUT",
        "headers": {},
        "parts": [
            {"offset": part.offset, "size": part.size, "url": part.url, "headers": part.headers}
            for part in parts
        ],
        "complete": {"method": "POST", "url": complete, "contentType": "application/xml"},
    }


def look_up(request: StoreRequest, media_type: str, chosen: Settings) -> StoreResponse:
    """Answer as a POST of the upload's body would have been answered, or say that it is pending.

    503 has no Retry-After if the upload was given up.
    """
    upload = uploads(chosen).find(request.upload) if _ID.fullmatch(request.upload) else None
    if upload is None or upload.principal != request.principal:
        raise MalformedRequest(
            "found no upload of this sender at this URL, expected the location of an upload that"
            " was offered within the last seven days"
        )
    if upload.state is State.DONE:
        result = outcomejson.decode(staging(chosen).get_answer(upload.answer))
        return respond(result, media_type, retrieve_base_url(request, chosen))
    if upload.is_failed(time.time()):
        return replace(respond(_GIVEN_UP, media_type, ""), given_up=True)
    return StoreResponse(
        status=HTTPStatus.OK,
        media_type=JSON,
        body=json.dumps({"id": upload.id, "state": upload.state}),
        headers={"Retry-After": str(seconds_between_looks(upload.size))},
    )


def seconds_between_looks(size: int) -> int:
    """Return how long to wait between looks at a body: a tenth of the time to ingest it.

    So no sender waits much longer than it must, and none looks more than ten times as a rule.
    """
    least, most = SECONDS_BETWEEN_LOOKS
    return min(max(round(size / _BYTES_A_SECOND / 10), least), most)


def retrieve_base_url(request: StoreRequest, chosen: Settings) -> str:
    """Return the base of the Retrieve URLs in the answer."""
    return gateway.retrieve_base_url(request, chosen.retrieve_base_url, retrieves=chosen.retrieves)


def respond(result: Result, media_type: str, base_url: str) -> StoreResponse:
    """Return the store transaction's answer for ``result``."""
    if isinstance(result, Refusal):
        return response.refusal(result.status, result.reason, result.text, media_type)
    return response.report(result, media_type, base_url)


@cache
def uploads(chosen: Settings) -> Uploads:
    """Return the table of uploads of this environment."""
    return Uploads(chosen.upload_table)


@cache
def staging(chosen: Settings) -> Staging:
    """Return the bucket of this environment, for bodies and answers."""
    return Staging(chosen.archive_bucket)

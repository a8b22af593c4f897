"""Store the instances of a staged body, step by step.

Every step may be repeated, so a message that comes again, because its worker died or its time
ended, leads to the same state. An upload ends only with outcomes that are final for its bytes.
After an exception the message comes again until its attempts are used up; then it is in the
dead-letter queue, the upload is failed, and the body is kept.
"""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from shutil import disk_usage
from tempfile import gettempdir
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from archive.archive import Archive
from archive.disk import DiskFull
from archive.entries import Kept
from archive.errors import ArchiveError
from archive.items import Provenance, Way
from archive.queues import Queue
from archive.staging import StagedBody, Staging
from archive.uploads import State, Upload, Uploads
from dicomweb.answer import response
from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import MalformedRequest
from dicomweb.instances import SOPInstance
from dicomweb.outcomes import Outcome, Stored, status_of
from dicomweb.payloads import read_parts
from ingest.attempts import come_again, is_last, let_go, pending_until
from ingest.messages import Message, read_message
from ingest.settings import Settings, settings
from transaction import journal, outcomejson
from transaction.intake import Intake, Receipt
from transaction.outcomejson import Refusal

SECONDS_TO_ANSWER = 20.0
"""How much of the function's time is kept back for writing the answer."""

SECONDS_TO_COPY = 60
"""How long S3 may be silent while it copies."""


class TryAgain(Exception):
    """The message has to come again, until its attempts are used up."""


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> None:
    """Ingest the body that a message names; an exception makes the message come again."""
    chosen = settings()
    message = read_message(event)
    upload = begin(message, chosen, context)
    if upload is None:
        journal.logger.warning("unknown", extra={"upload": message.body.upload_id})
    elif upload.state is State.DONE:
        staging(chosen).delete(message.body)
        journal.logger.info("used", extra={"upload": upload.id})
    else:
        attempt(message, upload, chosen, context)


def begin(message: Message, chosen: Settings, context: LambdaContext) -> Upload | None:
    """Record that an attempt begins, and when it and those that may follow must have ended."""
    until = pending_until(message, chosen, context)
    return uploads(chosen).begin(message.body.upload_id, message.attempt, until)


def attempt(message: Message, upload: Upload, chosen: Settings, context: LambdaContext) -> None:
    """Ingest; raises TryAgain after any error, and for outcomes that are not final."""
    try:
        is_done = is_finished(message, upload, chosen, context)
        if not is_done and is_last(message, chosen):
            uploads(chosen).fail(upload.id)
    finally:
        let_go(archive(chosen))
    if not is_done:
        come_again(message, queue(chosen), chosen)
        raise TryAgain(f"attempt {message.attempt} at upload {upload.id}")


def is_finished(message: Message, upload: Upload, chosen: Settings, context: LambdaContext) -> bool:
    """Ingest, and finish the upload if its outcomes are final; log why it is not finished."""
    origin = {"upload": upload.id, "attempt": message.attempt}
    try:
        result = ingest(message.body, upload, chosen, context)
        if isinstance(result, Refusal) or all(map(is_final, result.outcomes)):
            finish(message.body, upload, result, chosen)
            return True
        journal.record_attempt(result.outcomes, **origin)
    except DiskFull:
        found = {"size": message.body.size, "free": disk_usage(gettempdir()).free}
        journal.logger.error("disk full", extra={**origin, **found})
    except Exception as error:  # noqa: BLE001 - Lambda would log the message, which may quote a value
        journal.log_unforeseen(error, **origin)
    return False


def ingest(
    body: StagedBody, upload: Upload, chosen: Settings, context: LambdaContext
) -> Receipt | Refusal:
    """Store the instances in ``body``, after its whole framing has been checked.

    A body is refused as a whole if a POST of it would be.
    """
    try:
        root_type, parts = read(body, upload, chosen)
        return intake_of(body, upload, chosen, context).store(root_type, parts)
    except MalformedRequest as refused:
        status, reason, text = response.refusal_of(refused)
        return Refusal(status=status, reason=reason, text=text)


def read(body: StagedBody, upload: Upload, chosen: Settings) -> tuple[str, list[BodyPart]]:
    """Return the media type of the parts of ``body``, and the parts; raises MalformedRequest."""
    if body.size != upload.size:
        raise MalformedRequest(
            f"found a body of {body.size} bytes, expected {upload.size} bytes as announced"
        )
    if body.size > chosen.largest_body:  # as it may be if the disk was made smaller since
        raise MalformedRequest(
            f"found a body of {body.size} bytes, expected at most {chosen.largest_body}: send the"
            " instances in several uploads"
        )
    return read_parts(upload.content_type, staging(chosen).mapped(body))


def intake_of(body: StagedBody, upload: Upload, chosen: Settings, context: LambdaContext) -> Intake:
    """Return how the instances in ``body`` are stored."""
    return Intake(
        keep=partial(keep, body=body, upload=upload, chosen=chosen, context=context),
        seconds_left=lambda: seconds_left(context),
        profile=chosen.storage_profile,
        preamble_policy=chosen.preamble_policy,
        study_instance_uid=upload.study_instance_uid,
        url=upload.url,
        origin={"upload": upload.id},
    )


def seconds_left(context: LambdaContext) -> float:
    """Return the time that the function has left, without the time for writing the answer."""
    return context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_ANSWER


def keep(
    instances: Sequence[SOPInstance],
    *,
    body: StagedBody,
    upload: Upload,
    chosen: Settings,
    context: LambdaContext,
) -> list[Kept | ArchiveError]:
    """Keep the instances; those whose bytes are in ``body`` may be copied inside S3."""
    return archive(chosen).keep(
        instances,
        seconds=seconds_left(context),
        provenance=Provenance(Way.UPLOAD, upload.id, upload.principal),
        sources=[
            None if instance.offset is None else body.source(instance.offset)
            for instance in instances
        ],
    )


def is_final(outcome: Outcome) -> bool:
    """Tell whether every further attempt would end with the same outcome."""
    return isinstance(outcome, Stored) or outcome.final


def finish(body: StagedBody, upload: Upload, result: Receipt | Refusal, chosen: Settings) -> None:
    """Write the answer, mark the upload as done and delete its body, in this order."""
    answer = outcomejson.encode(result if isinstance(result, Refusal) else result.outcomes)
    uploads(chosen).finish(upload.id, staging(chosen).put_answer(upload.id, answer))
    staging(chosen).delete(body)
    if isinstance(result, Refusal):
        journal.record_refusal(result.status, result.reason, result.text, upload=upload.id)
        journal.count(PayloadBytes=body.size)
    else:
        journal.record_outcomes(
            result.outcomes,
            status_of(result.outcomes),
            payload_bytes=body.size,
            attributes_left_out=result.attributes_left_out,
            upload=upload.id,
        )


@cache
def archive(chosen: Settings) -> Archive:
    """Return the archive of this environment."""
    return Archive(
        bucket=chosen.archive_bucket,
        table=chosen.index_table,
        duplicate_policy=chosen.duplicate_policy,
        retention=chosen.retention,
        seconds_to_copy=SECONDS_TO_COPY,
    )


@cache
def uploads(chosen: Settings) -> Uploads:
    """Return the table of uploads of this environment."""
    return Uploads(chosen.upload_table)


@cache
def staging(chosen: Settings) -> Staging:
    """Return the bucket of this environment, for bodies and answers."""
    return Staging(chosen.archive_bucket)


@cache
def queue(chosen: Settings) -> Queue:
    """Return the queue that ingest's messages come from."""
    return Queue(chosen.ingest_queue)

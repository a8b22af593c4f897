"""Mark the upload of each message in the dead-letter queue as failed, and keep the message.

A message gets there when its attempts are used up, whether they failed, died or never began, and
when EventBridge could not deliver it. A consumer has to delete its messages, so each is first put
into the queue of failed uploads, where it stays until the operator sends it to ingest again.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from archive.queues import Queue
from archive.uploads import State, Uploads
from ingest.messages import read_message
from ingest.settings import dead_letter_settings
from transaction import journal


def lambda_handler(event: Mapping[str, Any], _: LambdaContext) -> None:
    """Give up the upload of a message; an exception makes the message come again.

    A message whose upload is done after all, because only the end of its last attempt was lost,
    is dropped.
    """
    chosen = dead_letter_settings()
    upload_id = read_message(event).body.upload_id
    upload = uploads(chosen.upload_table).fail(upload_id)
    if upload and upload.state is State.DONE:
        journal.logger.info("used", extra={"upload": upload_id})
        return
    (record,) = event["Records"]
    failed_uploads(chosen.failed_uploads_queue).send(record["body"])
    journal.logger.error("given up", extra={"upload": upload_id})
    journal.count(UploadsFailed=1)


@cache
def uploads(table: str) -> Uploads:
    """Return the table of uploads of this environment."""
    return Uploads(table)


@cache
def failed_uploads(url: str) -> Queue:
    """Return the queue of failed uploads of this environment."""
    return Queue(url)

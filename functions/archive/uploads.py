"""The uploads: the DynamoDB table with the state of each announced body.

::

    Upload                                 the id, which nobody can guess
    BaseUrl                                the service's URL in the announcement
    ContentType Size StudyInstanceUID      as announced; the study is empty if none was named
    Principal Created Expires              who, and when; seconds since 1970, Expires is the TTL
    State                                  pending | done | failed
    Attempts FailedAfter                   how often ingest has begun, for people who look into it,
                                           and until when it is pending
    Answer                                 where the answer is, once it is done
    CountedUntil                           while it counts as pending (archive.pending): the hour

``done`` is final. ``failed`` is for the operator: the body is still there, and when its message is
sent again the upload is pending once more. ``pending`` always ends, whatever dies: each time it is
written, FailedAfter says how long it is valid, and after that the upload counts as failed.
"""

import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from boto3.session import Session
from botocore.exceptions import ClientError

from archive.clients import dynamodb_client
from archive.conditions import in_the_way
from archive.items import Item
from archive.pending import PendingUploads, hour

SECONDS_KNOWN = 7 * 24 * 3600
"""How long the state of an upload can be looked up."""

SECONDS_UNSEEN = 24 * 3600
"""How long a body in S3 may wait for ingest before its upload counts as failed.

It may wait in the queue and on its way there: EventBridge tries to deliver an event for 24 hours
and then gives it to the dead-letter queue.
"""

_NO_LONGER_PENDING = "REMOVE FailedAfter, CountedUntil"
_ENDED: dict[str, Any] = {"failed_after": None, "counted_until": None}


class State(StrEnum):
    """The state of an upload."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An announced body; ``size`` in bytes, times in seconds since 1970.

    ``study_instance_uid`` is the study of the target resource, None for all studies.
    ``counted_until`` is the hour of ``archive.pending``, None if the upload does not count.
    """

    id: str
    base_url: str
    content_type: str
    size: int
    study_instance_uid: str | None
    principal: str
    created: int
    state: State = State.PENDING
    failed_after: int | None = None
    counted_until: int | None = None
    answer: str = ""

    @property
    def url(self) -> str:
        """The URL for a POST of the body, against which references are resolved."""
        target = f"/{self.study_instance_uid}" if self.study_instance_uid else ""
        return f"{self.base_url}/studies{target}"

    def is_failed(self, now: float) -> bool:
        """Tell whether ingest gave up, or did not finish in time because something died."""
        is_over = self.failed_after is not None and now > self.failed_after
        return self.state is State.FAILED or (self.state is State.PENDING and is_over)


class Uploads:
    """The table of uploads. All methods raise botocore's errors."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._dynamodb = dynamodb_client(Session())
        self._pending = PendingUploads(table, self._dynamodb)

    def offer(self, upload: Upload, most: int) -> bool:
        """Add a pending upload, unless ``most`` of its principal are pending; tell whether.

        It counts until it is done or failed, or else until the end of the hour in which its time
        is over.
        """
        until = hour(upload.failed_after or upload.created)
        if not self._pending.add(upload.principal, until, most):
            return False
        try:
            self.add(replace(upload, counted_until=until))
        except Exception:
            self._pending.remove(upload.principal, until)
            raise
        return True

    def add(self, upload: Upload) -> None:
        """Add an upload, whose id is new.

        It also succeeds if exactly this upload is there: botocore repeats a write that took
        effect but whose answer was lost.
        """
        item: Item = {
            "Upload": {"S": upload.id},
            "BaseUrl": {"S": upload.base_url},
            "ContentType": {"S": upload.content_type},
            "Size": {"N": str(upload.size)},
            "StudyInstanceUID": {"S": upload.study_instance_uid or ""},
            "Principal": {"S": upload.principal},
            "Created": {"N": str(upload.created)},
            "Expires": {"N": str(upload.created + SECONDS_KNOWN)},
            "State": {"S": upload.state},
        }
        if upload.failed_after is not None:
            item["FailedAfter"] = {"N": str(upload.failed_after)}
        if upload.counted_until is not None:
            item["CountedUntil"] = {"N": str(upload.counted_until)}
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(Upload)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if in_the_way(error) != item:
                raise

    def find(self, upload_id: str) -> Upload | None:
        """Return an upload, or None if it is unknown or has expired."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key={"Upload": {"S": upload_id}}, ConsistentRead=True
        )
        item = answer.get("Item")
        # It may take DynamoDB days to delete an expired item.
        if item is None or int(item["Expires"]["N"]) <= time.time():
            return None
        return _upload(item)

    def begin(self, upload_id: str, attempt: int, failed_after: int) -> Upload | None:
        """Begin an attempt (from 1) to ingest an upload, and return the upload.

        ``failed_after`` is when this attempt and those that may follow must have ended. An upload
        that is done stays unchanged. Returns None if the upload is unknown.
        """
        values: Item = {
            ":done": {"S": State.DONE},
            ":pending": {"S": State.PENDING},
            ":attempt": {"N": str(attempt)},
            ":failed_after": {"N": str(failed_after)},
        }
        expression = "SET #state = :pending, Attempts = :attempt, FailedAfter = :failed_after"
        pending = {"state": State.PENDING, "failed_after": failed_after}
        return self._update(upload_id, expression, values, pending)

    def finish(self, upload_id: str, answer: str) -> None:
        """Mark an upload as done and record where its ``answer`` is, unless it is already done."""
        values: Item = {
            ":done": {"S": State.DONE},
            ":answer": {"S": answer},
        }
        expression = f"SET #state = :done, Answer = :answer {_NO_LONGER_PENDING}"
        self._update(
            upload_id, expression, values, _ENDED | {"state": State.DONE, "answer": answer}
        )

    def fail(self, upload_id: str) -> Upload | None:
        """Mark an upload as failed, unless it is done; return the upload.

        Returns None if it is unknown.
        """
        values: Item = {":done": {"S": State.DONE}, ":failed": {"S": State.FAILED}}
        expression = f"SET #state = :failed {_NO_LONGER_PENDING}"
        return self._update(upload_id, expression, values, _ENDED | {"state": State.FAILED})

    def _update(
        self, upload_id: str, expression: str, values: Item, changes: dict[str, Any]
    ) -> Upload | None:
        """Update an upload that exists and is not done; return it as it is afterwards.

        The ``expression`` makes the ``changes``.
        """
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key={"Upload": {"S": upload_id}},
                UpdateExpression=expression,
                ConditionExpression="attribute_exists(Upload) AND #state <> :done",
                ExpressionAttributeNames={"#state": "State"},
                ExpressionAttributeValues=values,
                ReturnValues="ALL_OLD",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            item = in_the_way(error)
            return _upload(item) if item else None
        before = _upload(answer["Attributes"])
        after = replace(before, **changes)
        if before.counted_until is not None and after.counted_until is None:
            self._pending.remove(before.principal, before.counted_until)
        return after


def _upload(item: Item) -> Upload:
    failed_after, counted_until = item.get("FailedAfter"), item.get("CountedUntil")
    return Upload(
        id=item["Upload"]["S"],
        base_url=item["BaseUrl"]["S"],
        content_type=item["ContentType"]["S"],
        size=int(item["Size"]["N"]),
        study_instance_uid=item["StudyInstanceUID"]["S"] or None,
        principal=item["Principal"]["S"],
        created=int(item["Created"]["N"]),
        state=State(item["State"]["S"]),
        failed_after=int(failed_after["N"]) if failed_after else None,
        counted_until=int(counted_until["N"]) if counted_until else None,
        answer=item.get("Answer", {"S": ""})["S"],
    )

"""The audit trail: a log group of CloudWatch Logs that holds audit messages and nothing else."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

from boto3.session import Session
from botocore.exceptions import ClientError

from archive.clients import logs_client
from archive.errors import error_code

_BYTES_A_CALL = 1_048_576
_BYTES_BESIDE_A_MESSAGE = 26
_MESSAGES_A_CALL = 10_000
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"""

_NO_STREAM = "ResourceNotFoundException"


class NotWritten(Exception):
    """CloudWatch Logs answered that it did not take some of the messages."""


class AuditLog:
    """The log group ``group``, to which each environment writes a stream of its own.

    Raises botocore's errors.
    """

    def __init__(self, group: str) -> None:
        stream = f"{datetime.now(UTC):%Y/%m/%d}/{uuid4().hex}"
        self._place = {"logGroupName": group, "logStreamName": stream}
        self._logs = cast("Any", logs_client(Session()))

    def write(self, messages: Sequence[str]) -> None:
        """Write ``messages``; when it returns, all of them are in the log.

        A call that is repeated may write a message twice.

        Raises
        ------
        NotWritten
            Some were refused.
        """
        for batch in _batches(messages):
            self._put(batch)

    def _put(self, messages: Sequence[str]) -> None:
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": message} for message in messages]
        try:
            answer = self._logs.put_log_events(**self._place, logEvents=events)
        except ClientError as error:
            # The first messages of an environment, or somebody has deleted the stream.
            if error_code(error) != _NO_STREAM:
                raise
            self._create_stream()
            answer = self._logs.put_log_events(**self._place, logEvents=events)
        if answer.get("rejectedLogEventsInfo"):
            raise NotWritten("CloudWatch Logs rejected audit messages for their time")

    def _create_stream(self) -> None:
        with suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            self._logs.create_log_stream(**self._place)


def _batches(messages: Sequence[str]) -> Iterator[list[str]]:
    """Yield ``messages`` in their order, as many at a time as a call may carry."""
    batch: list[str] = []
    size = 0
    for message in messages:
        length = len(message.encode()) + _BYTES_BESIDE_A_MESSAGE
        if batch and (size + length > _BYTES_A_CALL or len(batch) == _MESSAGES_A_CALL):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += length
    if batch:
        yield batch

"""A queue of SQS: messages are put into it, and received ones put off."""

import re
from typing import Any, cast

from boto3.session import Session

from archive.clients import sqs_client

_REGION = re.compile(r"https://sqs\.([a-z0-9-]+)\.")


class Queue:
    """The queue at ``url``, in the region that it names. Raises botocore's errors."""

    def __init__(self, url: str) -> None:
        self._url = url
        region = _REGION.match(url)
        self._sqs = cast("Any", sqs_client(Session(region_name=region and region[1])))

    def send(self, text: str, delay: int = 0) -> None:
        """Put a message with this ``text`` into the queue, which hides it for ``delay`` seconds."""
        self._sqs.send_message(QueueUrl=self._url, MessageBody=text, DelaySeconds=delay)

    def put_off(self, receipt: str, seconds: int) -> None:
        """Let a message that was received be received again after ``seconds``, from now."""
        self._sqs.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds
        )

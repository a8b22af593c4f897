"""The event source mapping of a queue: receive messages, invoke the function, delete them.

A message whose invocation fails stays in the queue and is received again when its visibility
timeout has passed, until the queue's redrive policy moves it to the dead-letter queue.

SQS hides the messages that it has handed out even if its answer is lost on the way, and then it is
not known which messages they were. So each is received for a few seconds only, and hidden for the
queue's visibility timeout once it has arrived.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import BoundedSemaphore, Event
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.intrinsics import TemplateError
from local.lambda_service import FunctionError, InvocationError, LambdaService, in_daemon_thread
from local.polling import Pauses
from local.template import REGION, Function, Template

Log = Callable[[str], None]

_KNOWN = {"Queue", "BatchSize", "Enabled", "ScalingConfig"}
_DEFAULT_BATCH_SIZE = 10
_ACCOUNT_CONCURRENCY = 1000
_PAUSE_SECONDS = 1
_CONFIG = Config(connect_timeout=5, read_timeout=10)
_RECEIVE_CONFIG = _CONFIG.merge(Config(retries={"total_max_attempts": 1}))  # to see what is lost
_SECONDS_TO_ARRIVE = 12
"""For how long a message is hidden that may not have arrived; an answer is waited for 10."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """An ``SQS`` event of a function; ``queue`` is the ARN."""

    function: Function
    queue: str
    batch_size: int
    maximum_concurrency: int


def read(template: Template) -> list[EventSource]:
    """Return the enabled event sources of the template's functions.

    Raises
    ------
    TemplateError
        One has a property that the laptop does not know.
    """
    return [
        _event_source(function, event["Properties"])
        for function in template.functions
        for event in function.events
        if event["Type"] == "SQS" and event["Properties"].get("Enabled", True)
    ]


def _event_source(function: Function, properties: Mapping[str, Any]) -> EventSource:
    if unknown := set(properties) - _KNOWN:
        raise TemplateError(
            f"the local service does not support {', '.join(sorted(unknown))} of an SQS event"
        )
    scaling = properties.get("ScalingConfig", {})
    return EventSource(
        function=function,
        queue=properties["Queue"],
        batch_size=int(properties.get("BatchSize", _DEFAULT_BATCH_SIZE)),
        maximum_concurrency=int(scaling.get("MaximumConcurrency", _ACCOUNT_CONCURRENCY)),
    )


@contextmanager
def mapped(sources: Sequence[EventSource], functions: LambdaService, log: Log) -> Iterator[None]:
    """Invoke the ``functions`` for what arrives in their queues, one line to ``log`` for each.

    At the end, no more messages are received. Invocations in progress are not waited for: their
    messages appear again, as after a crash.
    """
    stopped = Event()

    def log_until_stopped(line: str) -> None:
        if not stopped.is_set():
            log(line)

    for source in sources:
        mapping = _Mapping(source, functions, log_until_stopped)
        in_daemon_thread(partial(mapping.poll, stopped))
    try:
        yield
    finally:
        stopped.set()


class _Mapping:
    def __init__(self, source: EventSource, functions: LambdaService, log: Log) -> None:
        self._source = source
        self._functions = functions
        self._log = log
        self._slots = BoundedSemaphore(source.maximum_concurrency)
        self._sqs: Any = boto3.client("sqs", REGION, config=_CONFIG)
        self._receiver: Any = boto3.client("sqs", REGION, config=_RECEIVE_CONFIG)
        name = source.queue.rpartition(":")[2]
        self._url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def poll(self, stopped: Event) -> None:
        pauses = Pauses(stopped)
        while not stopped.is_set():
            self._slots.acquire()
            messages = self._receive()
            if messages and not stopped.is_set():
                in_daemon_thread(partial(self._invoke, messages))
            else:
                self._slots.release()
            pauses.after(found=bool(messages))

    def _receive(self) -> list[dict[str, Any]]:
        try:
            received = self._receiver.receive_message(
                QueueUrl=self._url,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
                MaxNumberOfMessages=self._source.batch_size,
                WaitTimeSeconds=0,
                VisibilityTimeout=_SECONDS_TO_ARRIVE,
            )
        except (BotoCoreError, ClientError) as error:
            self._log(
                f"SQS {self._url}: {type(error).__name__}; a message that it may have handed out "
                f"comes again within {_SECONDS_TO_ARRIVE} s"
            )
            time.sleep(_PAUSE_SECONDS)
            return []
        messages: list[dict[str, Any]] = received.get("Messages", [])
        for message in messages:
            self._hold(message)
        return messages

    def _hold(self, message: Mapping[str, Any]) -> None:
        """Hide a message for the visibility timeout that its queue has now."""
        name = "VisibilityTimeout"
        try:
            found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])
            self._sqs.change_message_visibility(
                QueueUrl=self._url,
                ReceiptHandle=message["ReceiptHandle"],
                VisibilityTimeout=int(found["Attributes"][name]),
            )
        except (BotoCoreError, ClientError) as error:
            self._log(f"SQS {self._url}: {_subject(message)} is not held ({type(error).__name__})")

    def _invoke(self, messages: list[dict[str, Any]]) -> None:
        started = time.monotonic()
        try:
            event = {"Records": [_record(message, self._source.queue) for message in messages]}
            self._functions.invoke(self._source.function, event)
            for message in messages:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            result = "done"
        except (FunctionError, InvocationError) as error:
            result = f"failed ({getattr(error, 'error_type', type(error).__name__)})"
        except (BotoCoreError, ClientError) as error:
            result = f"not deleted ({type(error).__name__})"
        finally:
            self._slots.release()
        milliseconds = (time.monotonic() - started) * 1000
        for message in messages:
            self._log(
                f"{self._source.function.name} {_subject(message)} attempt "
                f"{message['Attributes']['ApproximateReceiveCount']} {result} {milliseconds:.0f} ms"
            )


def _record(message: Mapping[str, Any], queue: str) -> dict[str, Any]:
    """Return ``message`` as Lambda hands it to a function."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": message.get("MessageAttributes", {}),
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue,
        "awsRegion": REGION,
    }


def _subject(message: Mapping[str, Any]) -> str:
    """Return the object that ``message`` names, or else the message's ID."""
    try:
        return str(json.loads(message["Body"])["detail"]["object"]["key"])
    except (ValueError, LookupError, TypeError):
        return str(message["MessageId"])

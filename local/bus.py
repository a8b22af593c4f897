"""What is put on the event bus: a line for each event, and a POST to a webhook if one is given.

A rule of the bus sends the events into a queue of its own, from which they are taken here.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Event
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.event_source import Log
from local.lambda_service import in_daemon_thread
from local.polling import Pauses
from local.template import ACCOUNT, STACK

SOURCE = "stowport"

_NAME = f"{STACK}-events-of-make-run"
_WEBHOOK_SECONDS = 4
_SECONDS_TO_COME_AGAIN = 5
_CONFIG = Config(connect_timeout=5, read_timeout=10)


@contextmanager
def watched(bus: str, webhook: str, log: Log) -> Iterator[None]:
    """Write a line to ``log`` for each event on ``bus``, and POST it to ``webhook`` if that is one.

    An event that the webhook does not take, with a status below 300, is sent to it again.
    """
    # In the region in which the functions put events.
    sqs: Any = boto3.client("sqs", config=_CONFIG)
    hidden = {"VisibilityTimeout": str(_SECONDS_TO_COME_AGAIN)}
    url = sqs.create_queue(QueueName=_NAME, Attributes=hidden)["QueueUrl"]
    _create_rule(bus)
    stopped = Event()
    in_daemon_thread(partial(_follow, sqs, url, webhook, log, stopped))
    try:
        yield
    finally:
        stopped.set()


def _create_rule(bus: str) -> None:
    events: Any = boto3.client("events", config=_CONFIG)
    if bus != "default" and bus not in _buses(events):
        events.create_event_bus(Name=bus)
    pattern = json.dumps({"source": [SOURCE]})
    events.put_rule(Name=_NAME, EventBusName=bus, EventPattern=pattern)
    arn = f"arn:aws:sqs:{events.meta.region_name}:{ACCOUNT}:{_NAME}"
    events.put_targets(Rule=_NAME, EventBusName=bus, Targets=[{"Id": "lines", "Arn": arn}])


def _buses(events: Any) -> set[str]:  # noqa: ANN401  a client, whose types are not installed
    return {each["Name"] for each in events.list_event_buses()["EventBuses"]}


def _follow(
    sqs: Any,  # noqa: ANN401  a client, whose types are not installed
    url: str,
    webhook: str,
    log: Log,
    stopped: Event,
) -> None:
    pauses = Pauses(stopped)
    while not stopped.is_set():
        try:
            received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        except (BotoCoreError, ClientError):
            received = {}
        messages = received.get("Messages", [])
        for message in messages:
            event = json.loads(message["Body"])
            problem = _post(event, webhook) if webhook else ""
            if not stopped.is_set():
                log(f"{line(event)}{problem}")
            if not problem:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        pauses.after(found=bool(messages))


def _post(event: Mapping[str, Any], webhook: str) -> str:
    """Send an event to the ``webhook``; return what went wrong, in words, or nothing."""
    request = Request(  # noqa: S310  its scheme was checked
        webhook,
        json.dumps(event).encode(),
        {"Content-Type": "application/json"},
        method="POST",
    )
    try:
        urlopen(request, timeout=_WEBHOOK_SECONDS).close()  # noqa: S310  the same
    except (URLError, OSError) as error:
        return f" (the webhook did not take it: {type(error).__name__})"
    return ""


def line(event: Mapping[str, Any]) -> str:
    """Return what is told in one line: what, of which study, and of how many instances."""
    detail = event["detail"]
    number = detail.get("numberOfInstances", len(detail.get("instances", ())))
    way = detail.get("request", {}).get("way", "")
    instances = "1 instance" if number == 1 else f"{number} instances"
    words = (event["detail-type"], detail["studyInstanceUID"], instances, way)
    return " ".join(filter(None, words))

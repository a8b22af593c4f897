"""Tell of what was committed, step by step: the records of the stream in, events out.

Every step may be repeated, and Lambda repeats a batch until all of it is told. So an event may come
twice, and none is missing. What cannot be read is put into the queue of what is untold, so that it
does not stop what comes after it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from archive.buses import EventBus
from archive.commits import Commit
from archive.partitions import Partitions
from archive.queues import Queue
from notify import quiet
from notify.events import instances_stored, named_attributes
from notify.records import Batch, batches, is_commit, sequence_number
from notify.settings import Settings, settings
from transaction import journal

Answer = dict[str, list[dict[str, str]]]
"""What Lambda has to give again: of a stream, the first such record and all after it.

https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""


def lambda_handler(event: Mapping[str, Any], _: LambdaContext) -> Answer:
    """Tell of the records of the stream, or of the study that a message of the queue names.

    An exception makes the records, or the message, come again.
    """
    chosen, records = settings(), event["Records"]
    if records[0]["eventSource"] == "aws:sqs":
        (record,) = records
        quiet.tell(record["body"], partitions(chosen), bus(chosen), chosen)
        return {"batchItemFailures": []}
    told = list(read(records, chosen))
    untold = tell(told, chosen)
    if chosen.quiet_seconds:
        for study in dict.fromkeys(batch.study_instance_uid for batch in told):
            quiet.ask_later(study, quiet_queue(chosen), chosen.quiet_seconds)
    return {"batchItemFailures": [{"itemIdentifier": batch.first} for batch in untold[:1]]}


def read(records: Sequence[Mapping[str, Any]], chosen: Settings) -> Iterator[Batch]:
    """Yield what ``records`` say was committed, by study and request."""
    commits: list[Commit] = []
    numbers: list[str] = []
    for record in filter(is_commit, records):
        try:
            commits.append(Commit.of(record["dynamodb"]["NewImage"]))
        except (KeyError, ValueError) as error:
            journal.log_unforeseen(error)
            untold_queue(chosen).send(json.dumps(record["dynamodb"]["Keys"]))
        else:
            numbers.append(sequence_number(record))
    yield from batches(commits, numbers)


def tell(told: Sequence[Batch], chosen: Settings) -> list[Batch]:
    """Put the events of each batch; return the batches of which not all events are on the bus."""
    events = [
        (batch, event)
        for batch in told
        for event in instances_stored(batch, chosen.archive_bucket, attributes(batch, chosen))
    ]
    refused = bus(chosen).put([event for _, event in events])
    found = {
        "instances": sum(len(batch.commits) for batch in told),
        "events": len(events),
        "refused": sorted(set(refused.values())),
    }
    log = journal.logger.warning if refused else journal.logger.info
    log("tell", extra=found)
    return [batch for number, (batch, _) in enumerate(events) if number in refused]


def attributes(batch: Batch, chosen: Settings) -> Mapping[str, Any]:
    """Return the attributes of the batch's study that its events have."""
    if not chosen.attributes:
        return {}
    item = partitions(chosen).study(batch.study_instance_uid)
    return named_attributes(item, chosen.attributes)


@cache
def partitions(chosen: Settings) -> Partitions:
    """Return the index table of this environment, by its partitions."""
    return Partitions(chosen.index_table)


@cache
def bus(chosen: Settings) -> EventBus:
    """Return the event bus of this environment."""
    return EventBus(chosen.event_bus)


@cache
def quiet_queue(chosen: Settings) -> Queue:
    """Return the queue of studies that may be quiet soon."""
    return Queue(chosen.quiet_queue)


@cache
def untold_queue(chosen: Settings) -> Queue:
    """Return the queue of what could not be told."""
    return Queue(chosen.untold_queue)

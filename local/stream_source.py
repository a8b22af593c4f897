"""The event source mapping of a table's stream: read records, invoke the function, go on.

Records that the function could not handle are given to it again, from the first of them on, until
it can. Lambda also halves a batch that raised, and gives up on records that are too old.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from threading import Event
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.event_source import Log
from local.intrinsics import TemplateError
from local.lambda_service import FunctionError, InvocationError, LambdaService, in_daemon_thread
from local.polling import Pauses
from local.template import Function, Template

_KNOWN = {
    "BatchSize",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "EventSourceArn",
    "FilterCriteria",
    "FunctionName",
    "FunctionResponseTypes",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "StartingPosition",
}
_SECONDS_BETWEEN_ATTEMPTS = 0.5
_CONFIG = Config(connect_timeout=5, read_timeout=10)

Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSource:
    """An ``AWS::Lambda::EventSourceMapping`` of the stream of a ``table``.

    A record has to match one of the ``patterns``, if there are any.
    """

    function: Function
    table: str
    position: str
    batch_size: int
    patterns: Sequence[Mapping[str, Any]]


def read(template: Template) -> list[StreamSource]:
    """Return the event source mappings of the template.

    Raises
    ------
    TemplateError
        One has a property that the laptop does not know.
    """
    functions = {function.name: function for function in template.functions}
    mappings = template.resources("AWS::Lambda::EventSourceMapping").values()
    return [_source(functions, properties) for properties in mappings]


def _source(functions: Mapping[str, Function], properties: Mapping[str, Any]) -> StreamSource:
    if unknown := set(properties) - _KNOWN:
        raise TemplateError(
            f"the local service does not support {', '.join(sorted(unknown))} of a stream"
        )
    filters = properties.get("FilterCriteria", {}).get("Filters", [])
    return StreamSource(
        function=functions[properties["FunctionName"]],
        table=properties["EventSourceArn"].split("/")[1],
        position=properties["StartingPosition"],
        batch_size=int(properties["BatchSize"]),
        patterns=[json.loads(each["Pattern"]) for each in filters],
    )


@contextmanager
def mapped(sources: Sequence[StreamSource], functions: LambdaService, log: Log) -> Iterator[None]:
    """Invoke the ``functions`` for the records of their streams, one line to ``log`` for a failure.

    At the end, no more records are read. Those that are being handled are not waited for.
    """
    stopped = Event()
    for source in sources:
        in_daemon_thread(partial(_Mapping(source, functions, log).follow, stopped))
    try:
        yield
    finally:
        stopped.set()


class _Mapping:
    def __init__(self, source: StreamSource, functions: LambdaService, log: Log) -> None:
        self._source = source
        self._functions = functions
        self._log = log
        self._streams: Any = boto3.client("dynamodbstreams", config=_CONFIG)

    def follow(self, stopped: Event) -> None:
        """Handle what is in the stream, and what comes, until ``stopped``."""
        iterators = self._iterators()
        pauses = Pauses(stopped)
        while not stopped.is_set():
            advanced = [self._advance(iterator, stopped) for iterator in iterators]
            iterators = [iterator for iterator, _ in advanced]
            pauses.after(found=any(found for _, found in advanced))

    def _iterators(self) -> list[str]:
        listed = self._streams.list_streams(TableName=self._source.table)["Streams"]
        arn = listed[-1]["StreamArn"]
        shards = self._streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        return [
            self._streams.get_shard_iterator(
                StreamArn=arn,
                ShardId=shard["ShardId"],
                ShardIteratorType=self._source.position,
            )["ShardIterator"]
            for shard in shards
        ]

    def _advance(self, iterator: str, stopped: Event) -> tuple[str, bool]:
        """Handle the next records; return the iterator after them, and whether there were any."""
        try:
            answer = self._streams.get_records(
                ShardIterator=iterator, Limit=self._source.batch_size
            )
        except (BotoCoreError, ClientError) as error:
            if not stopped.is_set():
                self._log(f"stream of {self._source.table}: {type(error).__name__}")
            return iterator, False
        records = [as_lambda_has_it(record) for record in answer["Records"]]
        wanted = [record for record in records if self._is_wanted(record)]
        while wanted and not stopped.is_set():
            wanted = self._unhandled(wanted)
            if wanted:
                stopped.wait(_SECONDS_BETWEEN_ATTEMPTS)
        following: str = answer["NextShardIterator"]
        return following, bool(records)

    def _is_wanted(self, record: Record) -> bool:
        patterns = self._source.patterns
        return not patterns or any(matches(pattern, record) for pattern in patterns)

    def _unhandled(self, records: list[Record]) -> list[Record]:
        """Invoke the function; return the records that it has to be given again."""
        try:
            result = self._functions.invoke(self._source.function, {"Records": records})
        except (FunctionError, InvocationError) as error:
            reason = getattr(error, "error_type", type(error).__name__)
            self._log(f"{self._source.function.name} {len(records)} records failed ({reason})")
            return records
        failed = [each["itemIdentifier"] for each in (result or {}).get("batchItemFailures", [])]
        if not failed:
            return []
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        again = records[min(map(numbers.index, failed)) :]
        self._log(f"{self._source.function.name} {len(again)} of {len(records)} records again")
        return again


def matches(pattern: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Tell whether ``record`` matches the ``pattern`` of a filter, of values and prefixes only."""
    return all(
        matches(expected, record.get(name) or {})
        if isinstance(expected, dict)
        else any(_is(each, record.get(name)) for each in expected)
        for name, expected in pattern.items()
    )


def _is(expected: Any, found: Any) -> bool:  # noqa: ANN401  JSON
    if isinstance(expected, dict):
        return str(found).startswith(expected["prefix"])
    return bool(expected == found)


def as_lambda_has_it(record: Mapping[str, Any]) -> Record:
    """Return ``record`` as Lambda gives it to a function: in JSON, with its time as a number."""
    change = dict(record["dynamodb"])
    created = change.get("ApproximateCreationDateTime")
    if isinstance(created, datetime):
        change["ApproximateCreationDateTime"] = int(created.timestamp())
    return {**record, "dynamodb": change}

"""The index table with its stream, the queues and the bus of the notify function, under moto."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from moto.sqs.models import sqs_backends

from archive.buses import Event, EventBus
from archive.items import (
    Item,
    Provenance,
    instance_attributes,
    instance_key,
    series_attributes,
    series_key,
    study_attributes,
    study_key,
)
from local.stream_source import as_lambda_has_it
from local.template import ACCOUNT, REGION
from tests.archive.deployment import PROVENANCE, instance
from tests.store.deployment import TEMPLATE, environment, function

if TYPE_CHECKING:
    from boto3.session import Session
    from pytest import MonkeyPatch  # noqa: PT013 - a type

BUS, TABLE, BUCKET = "planted-bus", "planted-table-name", "planted-bucket-name"
OTHER = Provenance(PROVENANCE.way, "0d1a2f3c-7b61-11e6-9a41-93e8deadbeef", "fedcba9876543210" * 2)
MIDNIGHT = datetime(2026, 11, 28, tzinfo=UTC)


def at(second: float) -> str:
    """The time so many seconds after midnight, as an item has it."""
    return (MIDNIGHT + timedelta(seconds=second)).isoformat(timespec="milliseconds")


class Notifying:
    """What the function reads and writes; ``variables`` is its environment."""

    def __init__(self, session: "Session") -> None:
        self._dynamodb = session.client("dynamodb")
        # moto does not know the endpoints that are named for an account.
        without_account = Config(account_id_endpoint_mode="disabled")
        self._streams: Any = session.client("dynamodbstreams", config=without_account)
        self._sqs: Any = session.client("sqs")
        events: Any = session.client("events")
        properties = TEMPLATE.properties("IndexTable")
        wanted = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
        stream: Any = {"StreamEnabled": True, **properties["StreamSpecification"]}
        self._dynamodb.create_table(
            TableName=TABLE,
            StreamSpecification=stream,
            **{name: properties[name] for name in wanted},
        )
        self.urls = {
            name: self._sqs.create_queue(QueueName=name)["QueueUrl"]
            for name in ("quiet", "untold", "told")
        }
        events.create_event_bus(Name=BUS)
        events.put_rule(Name="all", EventBusName=BUS, EventPattern='{"source": ["stowport"]}')
        told = f"arn:aws:sqs:{REGION}:{ACCOUNT}:told"
        events.put_targets(Rule="all", EventBusName=BUS, Targets=[{"Id": "told", "Arn": told}])
        self.variables = environment(
            function("NotifyFunction"),
            "",
            ARCHIVE_BUCKET=BUCKET,
            INDEX_TABLE=TABLE,
            EVENT_BUS=BUS,
            QUIET_QUEUE=self.urls["quiet"],
            UNTOLD_QUEUE=self.urls["untold"],
        )
        (stream,) = self._streams.list_streams(TableName=TABLE)["Streams"]
        arn = stream["StreamArn"]
        (shard,) = self._streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self._iterator = self._streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    def commit(  # noqa: PLR0913 - all by keyword
        self,
        number: int = 1,
        content: bytes = b"content",
        *,
        study: str = "1.2",
        series: str = "1",
        request: Provenance | None = PROVENANCE,
        second: float = 0,
        **changes: Any,  # noqa: ANN401 - of an item
    ) -> Item:
        """Write the items of an instance as the archive does; ``changes`` go over its own."""
        one = instance(number, content, study=study, series=series, PatientID="PLANTED-ID")
        for key, values in (
            (study_key(one), study_attributes(one)),
            (series_key(one), series_attributes(one)),
        ):
            self.put({**key.item(), **values})
        item: Item = {
            **instance_key(one).item(),
            **instance_attributes(one),
            "SHA256": {"S": sha256(content).hexdigest()},
            "Stored": {"S": at(second)},
            **(request.item() if request else {}),
            **changes,
        }
        self.put(item)
        return item

    def put(self, item: Item) -> None:
        self._dynamodb.put_item(TableName=TABLE, Item=item)

    def delete(self, item: Item) -> None:
        key = {name: item[name] for name in ("StudyInstanceUID", "Resource")}
        self._dynamodb.delete_item(TableName=TABLE, Key=key)

    def stream(self) -> dict[str, Any]:
        """Return what is new in the stream, as Lambda's event."""
        answer = self._streams.get_records(ShardIterator=self._iterator)
        self._iterator = answer["NextShardIterator"]
        records = [as_lambda_has_it(record) for record in answer["Records"]]
        event: dict[str, Any] = json.loads(json.dumps({"Records": records}))
        return event

    def events(self) -> list[dict[str, Any]]:
        """Take the events that were put on the bus."""
        return [json.loads(text) for text in self._taken("told")]

    def told(self) -> Counter[tuple[str, int]]:
        """Take the events; return the instances in them, as their readers recognize them."""
        return Counter(
            (each["key"], each["version"])
            for event in self.events()
            for each in event["detail"]["instances"]
        )

    def untold(self) -> list[Any]:
        return [json.loads(text) for text in self._taken("untold")]

    def asked(self) -> list[tuple[dict[str, Any], int]]:
        """Take the messages of studies that may be quiet, with the seconds they are hidden for."""
        queue = sqs_backends[ACCOUNT][REGION].queues["quiet"]
        messages: list[Any] = queue._messages
        asked = [
            (json.loads(each.body), round((each.delayed_until - each.sent_timestamp) / 1000))
            for each in messages
        ]
        messages.clear()
        return asked

    def _taken(self, queue: str) -> list[str]:
        taken: list[str] = []
        while received := self._sqs.receive_message(
            QueueUrl=self.urls[queue], MaxNumberOfMessages=10
        ).get("Messages"):
            for message in received:
                taken.append(message["Body"])
                self._sqs.delete_message(
                    QueueUrl=self.urls[queue], ReceiptHandle=message["ReceiptHandle"]
                )
        return taken


def message(study: str = "1.2", sent: float = 0) -> dict[str, Any]:
    """Return Lambda's event for a study that may be quiet; ``sent`` is a second after midnight."""
    asked = {"studyInstanceUID": study, "sent": MIDNIGHT.timestamp() + sent}
    record = {"eventSource": "aws:sqs", "messageId": "1", "body": json.dumps(asked)}
    return {"Records": [record]}


def refuse(monkeypatch: "MonkeyPatch", *numbers: int) -> None:
    """Let EventBridge take no event of these numbers."""

    def put(_: EventBus, events: Sequence[Event]) -> dict[int, str]:
        assert len(events) > max(numbers)
        return dict.fromkeys(numbers, "ThrottlingException")

    monkeypatch.setattr(EventBus, "put", put)

"""What is in a table's stream is given to the function, in order, until it has handled it."""

import json
from collections.abc import Iterator
from threading import Event
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws
from moto.events.models import EventPattern

from local import stream_source
from local.intrinsics import TemplateError
from local.lambda_service import FunctionError
from local.stream_source import StreamSource, matches
from local.template import REGION, Template
from tests.store.deployment import ROOT, TEMPLATE

(SOURCE,) = stream_source.read(TEMPLATE)
(PATTERN,) = SOURCE.patterns
Record = dict[str, Any]


def test_the_template_s_mapping_is_read() -> None:
    assert SOURCE.function.name == "stowport-NotifyFunction"
    assert (SOURCE.table, SOURCE.position) == (TEMPLATE.table, "TRIM_HORIZON")


def test_a_table_that_is_given_without_its_stream_has_no_mapping() -> None:
    given = {"Authentication": "none", "ExistingIndexTable": "another"}
    assert stream_source.read(Template(ROOT / "template.yaml", given)) == []


def test_a_property_that_is_not_known_is_an_error() -> None:
    with pytest.raises(TemplateError, match="does not support TumblingWindowInSeconds of a stream"):
        stream_source._source({}, {"TumblingWindowInSeconds": 1})


@pytest.mark.parametrize(
    ("name", "resource", "matched"),
    [
        ("INSERT", "instances/1.2/1.3", True),
        ("MODIFY", "instances/1.2/1.3", True),
        ("REMOVE", "instances/1.2/1.3", False),
        ("INSERT", "series/1.2", False),
        ("INSERT", "study", False),
    ],
)
def test_a_filter_lets_commits_through(name: str, resource: str, matched: bool) -> None:
    record: Any = {"eventName": name, "dynamodb": {"Keys": {"Resource": {"S": resource}}}}
    assert matches(PATTERN, record) == matched
    # EventBridge's rules, which have the same patterns.
    assert EventPattern(json.dumps(PATTERN), dict(PATTERN)).matches_event(record) == matched


def test_a_filter_does_not_match_what_lacks_its_member() -> None:
    assert not matches(PATTERN, {"eventName": "INSERT"})


class Functions:
    """Lambda, which answers with ``answers`` in turn and then says that all is handled."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.invoked: list[list[str]] = []

    def invoke(self, _: object, event: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        assert all(isinstance(json.dumps(record), str) for record in event["Records"])
        self.invoked.append(
            [each["dynamodb"]["Keys"]["Resource"]["S"] for each in event["Records"]]
        )
        answer = self.answers.pop(0) if self.answers else {"batchItemFailures": []}
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, int):
            number = event["Records"][answer]["dynamodb"]["SequenceNumber"]
            return {"batchItemFailures": [{"itemIdentifier": number}]}
        return answer


class Stream:
    """The stream of a table under moto."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        session = boto3.Session("testing", "testing", region_name=REGION)
        self._dynamodb = session.client("dynamodb")
        keys = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
        properties = TEMPLATE.properties("IndexTable")
        self._dynamodb.create_table(
            TableName=TEMPLATE.table,
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            **{name: properties[name] for name in keys},
        )
        streams = session.client(
            "dynamodbstreams", config=Config(account_id_endpoint_mode="disabled")
        )
        monkeypatch.setattr("local.stream_source.boto3.client", lambda *_, **__: streams)
        monkeypatch.setattr("local.stream_source._SECONDS_BETWEEN_ATTEMPTS", 0)
        self.lines: list[str] = []

    def put(self, *resources: str) -> None:
        for resource in resources:
            item: Any = {"StudyInstanceUID": {"S": "1.2"}, "Resource": {"S": resource}}
            self._dynamodb.put_item(TableName=TEMPLATE.table, Item=item)

    def handled(self, functions: Functions, source: StreamSource = SOURCE) -> list[list[str]]:
        """Give what is in the stream to ``functions``; return what each invocation had."""
        mapping = stream_source._Mapping(source, functions, self.lines.append)  # type: ignore[arg-type] # all that it calls
        (iterator,) = mapping._iterators()
        mapping._advance(iterator, Event())
        return functions.invoked


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stream]:
    with mock_aws():
        yield Stream(monkeypatch)


ONE, TWO, THREE = "instances/1/1", "instances/1/2", "instances/1/3"


def test_records_that_a_filter_lets_through_are_given_together(stream: Stream) -> None:
    stream.put("study", ONE, "series/1", TWO)
    assert stream.handled(Functions()) == [[ONE, TWO]]
    assert stream.lines == []


def test_a_batch_that_raised_is_given_again(stream: Stream) -> None:
    stream.put(ONE, TWO)
    functions = Functions(FunctionError("ValueError", "planted"))
    assert stream.handled(functions) == [[ONE, TWO], [ONE, TWO]]
    assert stream.lines == ["stowport-NotifyFunction 2 records failed (ValueError)"]


def test_what_is_reported_as_failed_is_given_again_with_all_after_it(stream: Stream) -> None:
    stream.put(ONE, TWO, THREE)
    assert stream.handled(Functions(1, 1)) == [[ONE, TWO, THREE], [TWO, THREE], [THREE]]
    assert stream.lines[0] == "stowport-NotifyFunction 2 of 3 records again"


def test_an_answer_without_failures_is_a_success(stream: Stream) -> None:
    stream.put(ONE)
    assert stream.handled(Functions(None)) == [[ONE]]


def test_a_stream_that_cannot_be_read_is_said_and_read_again(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = stream_source._Mapping(SOURCE, Functions(), stream.lines.append)  # type: ignore[arg-type] # the same
    (iterator,) = mapping._iterators()

    def fails(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="planted")

    monkeypatch.setattr(mapping._streams, "get_records", fails)
    assert mapping._advance(iterator, Event()) == (iterator, False)
    assert stream.lines == [f"stream of {TEMPLATE.table}: EndpointConnectionError"]

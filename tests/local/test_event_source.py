import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from threading import enumerate as threads
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.model import OperationModel

from local import aws, event_source
from local.intrinsics import TemplateError
from local.lambda_service import LambdaService
from local.template import Template
from tests.local import staging

pytestmark = pytest.mark.process

STUB = Path(__file__).parent / "stub" / "template.yaml"
TEMPLATE = Template(STUB, {})
(SOURCE,) = event_source.read(TEMPLATE)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with aws.embedded(0) as endpoint:
        yield endpoint


class Lines(list[str]):
    """What was logged, which can be waited for."""

    def wait(self, count: int, seconds: float = 10) -> list[str]:
        end = time.monotonic() + seconds
        while len(self) < count:
            assert time.monotonic() < end, list(self)
            time.sleep(0.02)
        return list(self)


@contextmanager
def all_ended() -> Iterator[None]:
    """Wait at the end for the threads begun: a poll would take the messages of the next test."""
    before = set(threads())
    yield
    for thread in set(threads()) - before:
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def lines(endpoint: str, environment: None) -> Iterator[Lines]:
    """Run the function of the stub for what is staged in the endpoint's bucket."""
    assert environment is None
    aws.use(endpoint)
    aws.create(TEMPLATE)
    lines = Lines()
    functions = LambdaService(TEMPLATE.functions, {})
    with all_ended(), event_source.mapped([SOURCE], functions, lines.append):
        yield lines


def stage(key: str, body: bytes = b"abc") -> None:
    staging.client().put_object(Bucket=TEMPLATE.bucket, Key=key, Body=body)


def queue(name: str) -> tuple[Any, str]:
    sqs: Any = boto3.client("sqs", "us-east-1")
    return sqs, sqs.get_queue_url(QueueName=name)["QueueUrl"]


def messages(name: str) -> int:
    """Return how many messages a queue has, those included that are being worked on."""
    sqs, url = queue(name)
    kinds = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=kinds)["Attributes"]
    return sum(map(int, counts.values()))


def test_the_mapping_is_as_the_template_says() -> None:
    assert SOURCE.function.handler == "stub.ingest"
    assert SOURCE.queue.endswith(":123456789012:stowport-IngestQueue")
    assert (SOURCE.batch_size, SOURCE.maximum_concurrency) == (1, 2)


def test_a_property_that_the_laptop_does_not_know_is_said(tmp_path: Path) -> None:
    text = STUB.read_text().replace("BatchSize: 1", "FilterCriteria: {}")
    path = tmp_path / "template.yaml"
    path.write_text(text)
    with pytest.raises(TemplateError, match="does not support FilterCriteria of an SQS event"):
        event_source.read(Template(path, {}))


def test_a_mapping_that_is_not_enabled_invokes_nothing(tmp_path: Path) -> None:
    text = STUB.read_text().replace("BatchSize: 1", "Enabled: false")
    path = tmp_path / "template.yaml"
    path.write_text(text)
    assert event_source.read(Template(path, {})) == []


def test_a_staged_object_invokes_the_function_once_and_leaves_the_queue(lines: Lines) -> None:
    stage("elsewhere/one")
    stage("staging/one")
    (line,) = lines.wait(1)
    assert line.startswith("stowport-IngestFunction staging/one attempt 1 done ")
    time.sleep(1.5)
    assert len(lines) == 1
    assert messages("stowport-IngestQueue") == 0


def test_a_completed_multipart_upload_invokes_it_once(lines: Lines) -> None:
    s3, key = staging.client(), "staging/parts"
    begun = s3.create_multipart_upload(Bucket=TEMPLATE.bucket, Key=key)
    upload: dict[str, Any] = {"Bucket": TEMPLATE.bucket, "Key": key, "UploadId": begun["UploadId"]}
    etag = s3.upload_part(**upload, PartNumber=1, Body=b"abc")["ETag"]
    time.sleep(0.3)
    assert lines == []
    parts: Any = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3.complete_multipart_upload(**upload, MultipartUpload=parts)
    lines.wait(1)
    time.sleep(1.5)
    assert len(lines) == 1


def test_what_fails_comes_again_and_ends_in_the_dead_letter_queue(lines: Lines) -> None:
    stage("staging/bad")
    logged = lines.wait(2)
    assert "staging/bad attempt 1 failed (ValueError)" in logged[0]
    assert "staging/bad attempt 2 failed (ValueError)" in logged[1]
    sqs, url = queue("stowport-DeadLetterQueue")
    (dead,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    assert json.loads(dead["Body"])["detail"]["object"]["key"] == "staging/bad"
    time.sleep(1.5)
    assert len(lines) == 2
    assert messages("stowport-IngestQueue") == 0


def test_no_more_run_at_once_than_the_template_says(lines: Lines) -> None:
    started = time.monotonic()
    for number in range(4):
        stage(f"staging/slow{number}")
    lines.wait(4)
    # Two at a time of 0.8 seconds each: one after the other would take 3.2, all at once 0.8.
    assert 1.6 <= time.monotonic() - started < 3.1


def test_at_the_end_nothing_more_is_begun_or_said(endpoint: str) -> None:
    aws.use(endpoint)
    aws.create(TEMPLATE)
    lines = Lines()
    functions = LambdaService(TEMPLATE.functions, {})
    with all_ended(), event_source.mapped([SOURCE], functions, lines.append):
        stage("staging/slow")
        time.sleep(0.3)
    assert lines == []
    assert messages("stowport-IngestQueue") == 0


def test_a_queue_that_is_gone_is_said(environment: None) -> None:
    assert environment is None
    with aws.embedded(0) as gone:
        aws.use(gone)
        aws.create(TEMPLATE)
        lines = Lines()
        functions = LambdaService(TEMPLATE.functions, {})
        with event_source.mapped([SOURCE], functions, lines.append):
            sqs, url = queue("stowport-IngestQueue")
            sqs.delete_queue(QueueUrl=url)
            assert lines.wait(1)[0].startswith("SQS http")


@pytest.fixture
def half_an_hour(endpoint: str, environment: None) -> Iterator[None]:
    """Hide messages for as long as the template of the service does."""
    assert environment is None
    aws.use(endpoint)
    aws.create(TEMPLATE)
    sqs, url = queue("stowport-IngestQueue")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1800"})
    yield
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})


@pytest.mark.usefixtures("half_an_hour")
@pytest.mark.parametrize(
    ("operation", "lost", "attempt"),
    [
        (
            "ReceiveMessage",
            "ReadTimeoutError; a message that it may have handed out comes again within 2 s",
            2,
        ),
        ("ChangeMessageVisibility", "staging/lost is not held (ReadTimeoutError)", 1),
    ],
)
def test_a_message_whose_answer_is_lost_is_handed_out_again_at_once(
    monkeypatch: pytest.MonkeyPatch, operation: str, lost: str, attempt: int
) -> None:
    monkeypatch.setattr(event_source, "_SECONDS_TO_ARRIVE", 2)
    left = [operation]

    def lose(parsed: dict[str, Any], model: OperationModel, **_: object) -> None:
        if [model.name] == left and (operation != "ReceiveMessage" or "Messages" in parsed):
            left.clear()
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1")

    lines = Lines()
    mapping = event_source._Mapping(SOURCE, LambdaService(TEMPLATE.functions, {}), lines.append)
    for client in (mapping._sqs, mapping._receiver):
        client.meta.events.register("after-call.sqs", lose)
    stage("staging/lost")
    stopped = Event()
    polling = Thread(target=mapping.poll, args=(stopped,))
    polling.start()
    try:
        said, done = lines.wait(2)
    finally:
        stopped.set()
        polling.join()
    assert lost in said
    assert f"staging/lost attempt {attempt} done" in done
    assert messages("stowport-IngestQueue") == 0


@pytest.mark.usefixtures("half_an_hour")
def test_a_message_that_arrived_is_held_for_the_visibility_timeout_of_its_queue() -> None:
    mapping = event_source._Mapping(SOURCE, LambdaService(TEMPLATE.functions, {}), print)
    held: list[int] = []

    def note(params: dict[str, Any], **_: object) -> None:
        held.append(json.loads(params["body"])["VisibilityTimeout"])

    mapping._sqs.meta.events.register("before-call.sqs.ChangeMessageVisibility", note)
    stage("staging/held")
    while not (received := mapping._receive()):
        pass
    assert held == [1800]
    sqs, url = queue("stowport-IngestQueue")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=received[0]["ReceiptHandle"])


def test_the_function_gets_what_s3_eventbridge_sqs_and_lambda_send(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.use(endpoint)
    aws.create(TEMPLATE)
    functions = LambdaService(TEMPLATE.functions, {})
    events: list[dict[str, Any]] = []
    monkeypatch.setattr(functions, "invoke", lambda _, event: events.append(event))
    lines = Lines()
    with all_ended(), event_source.mapped([SOURCE], functions, lines.append):
        stage("staging/the key")
        lines.wait(1)
    stored = staging.client().head_object(Bucket=TEMPLATE.bucket, Key="staging/the key")
    (record,) = events[0]["Records"]
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == SOURCE.queue
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    told = json.loads(record["body"])
    assert (told["source"], told["detail-type"]) == ("aws.s3", "Object Created")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["time"])
    assert told["detail"]["bucket"] == {"name": TEMPLATE.bucket}
    assert told["detail"]["reason"] == "PutObject"
    told["detail"]["object"].pop("sequencer")
    assert told["detail"]["object"] == {
        "key": "staging/the key",
        "size": 3,
        "etag": stored["ETag"].strip('"'),
        "version-id": stored["VersionId"],
    }

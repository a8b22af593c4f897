import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest

from local import aws
from local.aws import AwsUnavailable
from local.template import REGION, Template

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
TEMPLATE = Template(Path(__file__).parent / "stub" / "template.yaml", {})


CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        for name in CREDENTIALS:
            patch.delenv(name, raising=False)
        with aws.embedded(0) as endpoint:
            yield endpoint


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, environment: None) -> None:
    assert environment is None
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)


def test_bucket_and_table_are_created_once_and_stay(endpoint: str) -> None:
    aws.use(endpoint)
    aws.create(TEMPLATE)
    boto3.client("s3").put_object(Bucket=TEMPLATE.bucket, Key="a", Body=b"b")
    aws.create(TEMPLATE)
    kept = boto3.client("s3").get_object(Bucket=TEMPLATE.bucket, Key="a")["Body"].read()
    table = boto3.client("dynamodb").describe_table(TableName=TEMPLATE.table)["Table"]
    assert kept == b"b"
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["StudyInstanceUID", "Resource"]


def test_tables_queues_and_rules_are_as_the_template_says(endpoint: str) -> None:
    aws.use(endpoint)
    aws.create(TEMPLATE)
    aws.create(TEMPLATE)
    ttl = boto3.client("dynamodb").describe_time_to_live(TableName="stowport-OtherTable")
    assert ttl["TimeToLiveDescription"].get("AttributeName") == "Expires"
    versioning = boto3.client("s3").get_bucket_versioning(Bucket=TEMPLATE.bucket)
    assert versioning["Status"] == "Enabled"
    sqs = boto3.client("sqs", REGION)
    url = sqs.get_queue_url(QueueName="stowport-IngestQueue")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "1"
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] == 2
    (target,) = boto3.client("events", REGION).list_targets_by_rule(Rule="stowport-StagedRule")[
        "Targets"
    ]
    assert target["Arn"] == attributes["QueueArn"]


def test_writes_that_race_are_all_kept(endpoint: str) -> None:
    aws.use(endpoint)
    aws.create(TEMPLATE)
    dynamodb = boto3.client("dynamodb")
    key = {"StudyInstanceUID": {"S": "1"}, "Resource": {"S": "race"}}

    def add(_: int) -> None:
        dynamodb.update_item(
            TableName=TEMPLATE.table,
            Key=key,
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(100)))
    assert dynamodb.get_item(TableName=TEMPLATE.table, Key=key)["Item"]["n"] == {"N": "100"}


def test_a_port_in_use_is_said_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with (
            pytest.raises(AwsUnavailable, match=f"^port {port} .*AWS_PORT=number$"),
            aws.embedded(port),
        ):
            pass


def test_an_endpoint_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        aws.use(f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(AwsUnavailable, match=r"AWS at http://127\.0\.0\.1:"):
            aws.create(TEMPLATE)


def test_keys_and_region_are_made_up_for_loopback_only() -> None:
    aws.use("https://storage.example.org")
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    aws.use("http://localhost:5050")
    assert os.environ["AWS_ACCESS_KEY_ID"] == "local"
    assert os.environ["AWS_DEFAULT_REGION"] == "us-east-1"


def test_keys_and_region_that_are_there_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    aws.use("http://127.0.0.1:5050")
    assert os.environ["AWS_ACCESS_KEY_ID"] == "mine"
    assert "AWS_DEFAULT_REGION" not in os.environ


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:5050", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:5050", True),
        ("http://localhost:5050", True),
        ("http://s3.localhost", True),
        ("http://10.0.0.1", False),
        ("http://localhost.example.org", False),
        ("nonsense", False),
    ],
)
def test_loopback_is_known_by_name_and_address(url: str, loopback: bool) -> None:
    assert aws.is_loopback(url) is loopback


HOLDER = """
import time
from local import aws
with aws.embedded(0) as url:
    print(url, flush=True)
    time.sleep(60)
"""


def test_s3_and_dynamodb_end_with_the_process_that_wanted_them() -> None:
    command = [sys.executable, "-c", HOLDER]
    holder = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None
        port = int(holder.stdout.readline().rpartition(":")[2])
        assert answers(port)
        holder.kill()
    deadline = time.monotonic() + 5
    while answers(port):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def answers(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def test_connections_to_a_listener_send_without_delay() -> None:
    with (
        aws.listen(0, "PORT") as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as connection,
    ):
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

"""S3 and DynamoDB for the laptop: the embedded ones or any at ``AWS_ENDPOINT_URL``."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.template import REGION, Template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

_ROOT = Path(__file__).parent.parent
_CREATE_TABLE = {"AttributeDefinitions", "KeySchema", "BillingMode"}
_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2})


class AwsUnavailable(Exception):
    """The endpoint does not do as it is asked; the text says why in one line."""


def listen(port: int, variable: str) -> socket.socket:
    """Return a socket that listens on a loopback ``port``, which ``variable`` chose."""
    try:
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
    except OSError as error:
        raise AwsUnavailable(
            f"port {port} cannot be used ({error.strerror}): choose another with {variable}=number"
        ) from error
    # Connections inherit it. Else the body of an answer waits for the client's delayed
    # acknowledgement of its head: 40 ms for every request on a connection but the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@contextmanager
def embedded(port: int) -> Iterator[str]:
    """Run S3 and DynamoDB on a loopback ``port``; give their endpoint URL."""
    with listen(port, "AWS_PORT") as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # A session of its own, so that Ctrl-C does not end it before the requests under way.
        process = subprocess.Popen(  # noqa: S603  this interpreter, this package
            [sys.executable, "-m", "local.moto_server", str(listener.fileno())],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
    with process:
        yield url


def use(endpoint: str) -> None:
    """Make boto3 talk to ``endpoint`` in this process.

    On loopback anyone's keys will do, so some are made up if there are none in the environment.
    """
    os.environ["AWS_ENDPOINT_URL"] = endpoint
    if not is_loopback(endpoint):
        return
    if "AWS_ACCESS_KEY_ID" not in os.environ:
        os.environ |= {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    if "AWS_REGION" not in os.environ:
        os.environ.setdefault("AWS_DEFAULT_REGION", REGION)


def is_loopback(url: str) -> bool:
    """Return whether the host of ``url`` is this machine, by name or by address."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def create(template: Template) -> None:
    """Create the template's bucket and table, unless they are there.

    Raises
    ------
    AwsUnavailable
        The endpoint cannot be reached or refuses.
    """
    try:
        _create_bucket(boto3.client("s3", REGION, config=_CONFIG), template)
        _create_table(boto3.client("dynamodb", config=_CONFIG), template)
    except (BotoCoreError, ClientError) as error:
        endpoint = os.environ["AWS_ENDPOINT_URL"]
        raise AwsUnavailable(f"S3 and DynamoDB at {endpoint}: {error}") from error


def _create_bucket(s3: "S3Client", template: Template) -> None:
    try:
        s3.create_bucket(Bucket=template.bucket)
    except s3.exceptions.BucketAlreadyOwnedByYou:
        return


def _create_table(dynamodb: "DynamoDBClient", template: Template) -> None:
    properties = template.table_properties
    definition = {name: properties[name] for name in _CREATE_TABLE & set(properties)}
    try:
        dynamodb.create_table(TableName=template.table, **definition)
    except dynamodb.exceptions.ResourceInUseException:
        return
    dynamodb.get_waiter("table_exists").wait(TableName=template.table)

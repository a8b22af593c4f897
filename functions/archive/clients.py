"""The clients of S3, DynamoDB, SQS, EventBridge and CloudWatch Logs, and how they try.

Objects are put by obstore, whose calls take a tenth of boto3's processor time; clients of boto3
make all other calls. Both use the session's region and credentials, and the same endpoints and
certificates.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from boto3.session import Session
from botocore.client import BaseClient
from botocore.config import Config
from obstore.store import S3Store

from archive.connections import (
    SECONDS_KEPT,
    FreshConnections,
    believe_whole_answers,
    is_whole_of_dynamodb,
    is_whole_of_s3,
    repeat_what_may_pass,
)
from archive.endpoints import bucket_url, configured_endpoint

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from obstore.store import ClientConfig, S3Config, S3Credential

CONNECTIONS = 16
"""How many objects of a request are put at the same time, each over its own connection."""

READ_TIMEOUT = 6
"""How many seconds the next bytes of an answer may take."""

PUT_TIMEOUT = 8
"""How many seconds an attempt to put an object may take, to which ``archive.stores`` adds."""

ATTEMPTS = 3

_CONNECT_TIMEOUT = 2
_SECONDS_OF_A_COPY_OF_CREDENTIALS = 300
"""botocore renews credentials at least ten minutes before they expire."""

_CONFIG = Config(
    max_pool_connections=CONNECTIONS,
    # Three attempts of 2 + 6 seconds and the pauses between them end before API Gateway's 29.
    connect_timeout=_CONNECT_TIMEOUT,
    read_timeout=READ_TIMEOUT,
    retries={"mode": "standard", "total_max_attempts": 1},  # repeat_what_may_pass makes more
    # Checking parameters that this code itself has built takes a third of the time of a call that
    # reads a hundred items. Another tenth goes into making up a User-Agent.
    parameter_validation=False,
    user_agent="stowport",
)
_S3_CONFIG = Config(
    s3={"payload_signing_enabled": False},
    request_checksum_calculation="when_required",
    signature_version="s3v4",  # presigned URLs default to the old one, which signs no headers
    parameter_validation=True,  # nothing else would check the parameters of presigned requests
)

_REGIONAL = Config(
    s3={
        "payload_signing_enabled": False,  # again, because this replaces the setting above
        # Otherwise presigned requests go to bucket.s3.amazonaws.com in every region of the
        # partition, and S3 answers 307 while a bucket is new, and 400 in regions after 2019.
        "addressing_style": "virtual",
        "us_east_1_regional_endpoint": "regional",
    }
)


def s3_client(session: Session, read_timeout: int = READ_TIMEOUT) -> "S3Client":
    """Make a client of S3, with region, credentials and endpoint from the environment.

    ``read_timeout`` is how many seconds the next bytes of an answer may take.
    """
    config = _CONFIG.merge(_S3_CONFIG).merge(Config(read_timeout=read_timeout))
    if not configured_endpoint():
        config = config.merge(_REGIONAL)
    client = session.client("s3", config=config)
    FreshConnections(client)
    repeat_what_may_pass(client, ATTEMPTS)
    believe_whole_answers(client, is_whole_of_s3)
    return client


def dynamodb_client(session: Session) -> "DynamoDBClient":
    """Make a client of DynamoDB, with region, credentials and endpoint from the environment."""
    client = session.client("dynamodb", config=_CONFIG)
    FreshConnections(client)
    repeat_what_may_pass(client, ATTEMPTS)
    believe_whole_answers(client, is_whole_of_dynamodb)
    return client


def sqs_client(session: Session) -> BaseClient:
    """Make a client of SQS, with region, credentials and endpoint from the environment."""
    client: BaseClient = session.client("sqs", config=_CONFIG)
    FreshConnections(client)
    repeat_what_may_pass(client, ATTEMPTS)
    return client


def events_client(session: Session) -> BaseClient:
    """Make a client of EventBridge, with region, credentials and endpoint from the environment."""
    client: BaseClient = session.client("events", config=_CONFIG)
    FreshConnections(client)
    repeat_what_may_pass(client, ATTEMPTS)
    return client


def logs_client(session: Session) -> BaseClient:
    """Make a client of CloudWatch Logs, with region and so on from the environment."""
    client: BaseClient = session.client("logs", config=_CONFIG)
    FreshConnections(client)
    repeat_what_may_pass(client, ATTEMPTS)
    return client


def s3_store(bucket: str, session: Session) -> S3Store:
    """Make the store that puts objects into ``bucket``; it opens no connection before the first.

    An attempt may take PUT_TIMEOUT seconds, including the connection; ``renewed`` changes that.
    S3 verifies the CRC-64/NVME that is sent with every object, in a signed header. For SHA-256,
    the digest would be computed a second time, which takes longer than sending the object.
    """
    client_options: ClientConfig = {
        "connect_timeout": timedelta(seconds=_CONNECT_TIMEOUT),
        "timeout": timedelta(seconds=PUT_TIMEOUT),
        "pool_idle_timeout": timedelta(seconds=SECONDS_KEPT),
        "user_agent": "stowport",
        "allow_http": True,  # for endpoints that are configured with http, such as on loopback
        # Added to the system's certificates, which may be absent.
        "root_certificate": _certificates(),
    }
    return S3Store(
        bucket,
        config={
            "checksum_algorithm": "CRC64NVME",
            "unsigned_payload": True,
            **_place(bucket, session),
        },
        client_options=client_options,
        # Attempts are repeated by this package: obstore would not repeat an unanswered put.
        retry_config={"max_retries": 0},
        credential_provider=_credentials(session),
    )


def renewed(store: S3Store, timeout: float) -> S3Store:
    """Return a store like ``store`` that has this ``timeout`` and has opened no connection yet."""
    return S3Store(
        config=store.config,  # which names the bucket
        client_options=cast(
            "ClientConfig", {**(store.client_options or {}), "timeout": timedelta(seconds=timeout)}
        ),
        retry_config=store.retry_config,
        credential_provider=store.credential_provider,
    )


def _place(bucket: str, session: Session) -> "S3Config":
    """Return the region and endpoint that a client of boto3 would use."""
    if url := configured_endpoint():
        return {"region": session.region_name, "endpoint": url}
    return {
        "region": session.region_name,
        "endpoint": bucket_url(bucket, session),
        "virtual_hosted_style_request": True,
    }


def _certificates() -> bytes:
    """Return the certificates that are trusted: those of ``AWS_CA_BUNDLE``, or botocore's."""
    if path := os.environ.get("AWS_CA_BUNDLE"):
        return Path(path).read_bytes()
    return files("botocore").joinpath("cacert.pem").read_bytes()


def _credentials(session: Session) -> Callable[[], "S3Credential"]:
    """Return a function that gives the current credentials of the session."""

    def provide() -> "S3Credential":
        # They exist: the index was read before anything is put.
        frozen = cast("Any", session.get_credentials()).get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + timedelta(seconds=_SECONDS_OF_A_COPY_OF_CREDENTIALS),
        }

    return provide

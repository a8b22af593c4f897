"""The clients of S3 and DynamoDB, and how long and how often they try.

botocore alone makes them: boto3 would add a seventh of the cold start (its resources, and
s3transfer) and nothing that is used here. An empty or absent ``AWS_ENDPOINT_URL`` means AWS.
"""

from typing import TYPE_CHECKING, cast

from botocore.config import Config

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

CONNECTIONS = 16
"""How many instances of a request are written at the same time, each over its connection."""

_CONFIG = Config(
    max_pool_connections=CONNECTIONS,
    # Three attempts of 2 + 6 seconds and the pauses between them end before API Gateway's 29.
    connect_timeout=2,
    read_timeout=6,
    retries={"mode": "standard", "total_max_attempts": 3},
)
_S3_CONFIG = Config(
    # The checksum of the whole body is a signed header, which S3 verifies: hashing the body
    # once more for the signature, or for botocore's own checksum, would prove nothing new.
    s3={"payload_signing_enabled": False},
    request_checksum_calculation="when_required",
)


def s3_client(session: "Session") -> "S3Client":
    """Make a client of S3, with region, credentials and endpoint from the environment."""
    return cast("S3Client", session.create_client("s3", config=_CONFIG.merge(_S3_CONFIG)))


def dynamodb_client(session: "Session") -> "DynamoDBClient":
    """Make a client of DynamoDB, with region, credentials and endpoint from the environment."""
    return cast("DynamoDBClient", session.create_client("dynamodb", config=_CONFIG))

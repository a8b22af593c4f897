"""``python -m tests.bench.plain ENDPOINT BUCKET CONNECTIONS PATH``: put files as boto3 puts them.

Each file below PATH is one PutObject, without a checksum and without a signature of the body, which
is the least that boto3 can do: a file of up to 8 MiB is read into memory, a larger one is given as
a file. As many threads as CONNECTIONS share one client.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config

_IN_MEMORY = 8 * 1024 * 1024


def main(endpoint: str, bucket: str, connections: int, folder: Path) -> None:
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(
            max_pool_connections=connections,
            request_checksum_calculation="when_required",
            s3={"payload_signing_enabled": False, "addressing_style": "path"},
        ),
    )

    def put(path: Path) -> None:
        if path.stat().st_size <= _IN_MEMORY:
            s3.put_object(Bucket=bucket, Key=f"plain/{path.name}", Body=path.read_bytes())
            return
        with path.open("rb") as stream:
            s3.put_object(Bucket=bucket, Key=f"plain/{path.name}", Body=stream)

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(put, sorted(folder.iterdir())))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))

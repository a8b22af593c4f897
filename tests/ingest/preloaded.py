"""What a worker that is killed has imported before it begins: the process it is forked from has.

``multiprocessing`` starts that process from the root of the tree without pytest's ``pythonpath``,
and would pass over what it cannot import.
"""

import sys
from pathlib import Path

import boto3

_ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(_ROOT / folder) for folder in ("functions", "client", ".")]

from tests import conftest  # noqa: E402 - once it can be found
from tests.ingest import test_kills  # noqa: E402 - as above

__all__ = ["conftest", "test_kills"]
for service in ("s3", "dynamodb"):
    boto3.client(service)

"""What every test relies on: time-boxed property tests, and no way to a real AWS account."""

import gc
import os
from functools import cache

import botocore.loaders
import botocore.session
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.tracing", "tests.processes", "tests.service"]

_COLLECTED_AT = gc.get_threshold()

settings.register_profile(
    "default", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fast", settings.get_profile("default"), max_examples=20)
# The same examples each time, so that what survives a run of `make mutants` survives the next.
settings.register_profile("mutants", settings.get_profile("fast"), derandomize=True, database=None)
settings.register_profile("long", settings.get_profile("default"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="eu-central-1",
    AWS_EC2_METADATA_DISABLED="true",
)
# Else every session reads the descriptions of S3 and DynamoDB anew: 0.15 seconds a test and more.
botocore.session.create_loader = cache(botocore.loaders.create_loader)

for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"):
    os.environ.pop(name, None)


def pytest_collection_finish() -> None:
    """Look for garbage as usual: a room that raises the threshold is imported without its handler.

    The handler would set it back.
    """
    gc.set_threshold(*_COLLECTED_AT)

from collections.abc import Iterator

import boto3.session
import pytest

from commitment.settings import settings
from tests.archive.conftest import deployment, environment, s3, server, session
from tests.archive.deployment import Deployment
from tests.commitment.deployment import Commitments, forget
from tests.ingest.conftest import log

__all__ = ["clients", "commitments", "deployment", "environment", "log", "s3", "server", "session"]


@pytest.fixture(scope="module", autouse=True)
def clients() -> Iterator[None]:
    """Keep the clients that the functions make for the tests of a module."""
    forget()
    yield
    forget()


@pytest.fixture
def commitments(
    deployment: Deployment, session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Commitments]:
    """The functions of the room on a bucket, tables and a queue, which nobody else uses."""
    for module in ("safekeeping", "transactions", "queues"):
        monkeypatch.setattr(f"archive.{module}.Session", lambda **_: session)
    monkeypatch.setattr("archive.safekeeping.SECONDS_UNTIL_ASKED_AGAIN", (0.01,))
    commitments = Commitments(deployment, session)
    for name, value in commitments.variables.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield commitments
    settings.cache_clear()

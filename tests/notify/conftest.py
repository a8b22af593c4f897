from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.events.models import Rule

import notify.handler
import notify.settings
from local import aws, rules
from local.template import REGION
from tests.notify.deployment import Notifying
from tests.store.lambdas import Context
from transaction import journal

Invoke = Callable[..., dict[str, Any]]


def forget() -> None:
    """Make the function read its environment anew."""
    notify.settings.settings.cache_clear()
    for made in ("partitions", "bus", "quiet_queue", "untold_queue"):
        getattr(notify.handler, made).cache_clear()


@pytest.fixture(scope="session")
def session() -> boto3.session.Session:
    """One session for all tests: each would read AWS's service descriptions again."""
    return boto3.session.Session("testing", "testing", region_name=REGION)


@pytest.fixture
def notifying(
    session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Notifying]:
    monkeypatch.setattr(Rule, "send_to_targets", Rule.send_to_targets)
    rules.send_events_as_they_are()
    with mock_aws():
        deployed = Notifying(session)
        for module in ("buses", "partitions", "queues"):
            monkeypatch.setattr(f"archive.{module}.Session", lambda **_: session)
        for name, value in deployed.variables.items():
            monkeypatch.setenv(name, value)
        forget()
        yield deployed
        forget()


@pytest.fixture(scope="module")
def served() -> Iterator[Notifying]:
    """The same in an AWS on loopback, which a process or a proxy can be put in front of."""
    keys = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in keys.items():
            patch.setenv(name, value)
        with aws.embedded(0) as endpoint:
            patch.setenv("AWS_ENDPOINT_URL", endpoint)
            deployed = Notifying(boto3.Session("local", "local", region_name=REGION))
            deployed.variables |= {
                **keys,
                "AWS_ENDPOINT_URL": endpoint,
                "EVENT_ATTRIBUTES": "PatientID",
                "STUDY_QUIET_SECONDS": "900",
            }
            yield deployed


@pytest.fixture
def invoke(notifying: Notifying) -> Invoke:
    """Call the function, by default with what is new in the stream."""

    def call(event: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = notify.handler.lambda_handler(event or notifying.stream(), Context(120))
        return dict(answer)

    return call


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    stream = StringIO()
    monkeypatch.setattr(journal.logger.registered_handler, "stream", stream)
    return stream

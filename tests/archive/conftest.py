import time
from collections.abc import Iterator
from threading import Lock
from threading import enumerate as threads

import botocore.session
import pytest
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from tests.archive.deployment import Deployment, Sender


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")


@pytest.fixture(scope="module")
def session() -> botocore.session.Session:
    """One session for a module's tests: each would read AWS's service descriptions again."""
    return botocore.session.get_session()


@pytest.fixture
def deployment(
    session: botocore.session.Session, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    monkeypatch.setattr("archive.get_session", lambda: session)
    # moto loses writes of threads that meet in its table, so it answers one call at a time.
    one_at_a_time, answer = Lock(), BotocoreStubber.__call__

    def answer_alone(stubber: BotocoreStubber, *args: object, **kwargs: object) -> object:
        with one_at_a_time:
            return answer(stubber, *args, **kwargs)  # type: ignore[arg-type] # passed on as they came

    monkeypatch.setattr(BotocoreStubber, "__call__", answer_alone)
    with mock_aws():
        yield Deployment(session)
        wait_for_writers()


def wait_for_writers() -> None:
    """Wait for the threads that a deadline left behind."""
    while any(thread.name.startswith("archive") for thread in threads()):
        time.sleep(0.01)


@pytest.fixture
def sender(deployment: Deployment) -> Sender:
    assert deployment.items() == {}
    return Sender()

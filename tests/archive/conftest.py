from collections.abc import Iterator
from threading import Lock

import boto3.session
import pytest
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.dynamodb.models import DynamoDBBackend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from archive.uploads import Uploads
from local import partiql
from tests import intercepted_s3
from tests.archive.deployment import INSERT, UPLOADS, Deployment, Puts, Sender, refusal
from tests.intercepted_s3 import InterceptedS3
from tests.tracing import untraced
from tests.writers import wait_for_writers


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")


@pytest.fixture(scope="module")
def session() -> boto3.session.Session:
    """One session for a module's tests: each would read AWS's service descriptions again."""
    return boto3.session.Session()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[InterceptedS3, str]]:
    intercepted = InterceptedS3(DomainDispatcherApplication(create_backend_app))
    with intercepted_s3.serve(intercepted) as url:
        yield intercepted, url


@pytest.fixture
def s3(server: tuple[InterceptedS3, str], monkeypatch: pytest.MonkeyPatch) -> InterceptedS3:
    """S3 on a socket, because obstore is nothing that moto can see into."""
    intercepted, url = server
    intercepted.requests.clear()
    intercepted.answer = lambda _: None
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    return intercepted


@pytest.fixture
def deployment(
    s3: InterceptedS3, session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    monkeypatch.setattr("archive.archive.Session", lambda: session)
    monkeypatch.setattr("archive.objects.obstore.put", Puts(s3))
    monkeypatch.setattr(
        DynamoDBBackend, "batch_execute_statement", DynamoDBBackend.batch_execute_statement
    )
    partiql.insert_in_batches()
    # moto loses writes of threads that meet in its table, so it answers one call at a time.
    one_at_a_time, answer = Lock(), BotocoreStubber.__call__

    def answer_alone(stubber: BotocoreStubber, *args: object, **kwargs: object) -> object:
        with one_at_a_time, untraced():  # what would be traced is moto
            return answer(stubber, *args, **kwargs)  # type: ignore[arg-type] # passed on as they came

    monkeypatch.setattr(BotocoreStubber, "__call__", answer_alone)
    with mock_aws():
        yield Deployment(session)
        wait_for_writers()


@pytest.fixture
def uploads(
    deployment: Deployment, session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch
) -> Uploads:
    monkeypatch.setattr("archive.uploads.Session", lambda: session)
    deployment._dynamodb.create_table(
        TableName=UPLOADS,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "Upload", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Upload", "AttributeType": "S"}],
    )
    return Uploads(UPLOADS)


@pytest.fixture
def sender(deployment: Deployment) -> Sender:
    assert deployment.items() == {}
    return Sender()


@pytest.fixture
def alone(sender: Sender) -> None:
    """DynamoDB takes no batch of writes, so that every item is written by itself."""
    sender.on(f"before-call.{INSERT}", lambda **_: refusal("ThrottlingException"))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is committed before all objects are put, however slow the machine is."""
    monkeypatch.setattr("archive.keeping._SECONDS_BETWEEN_COMMITS", 10)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call is tried again at once."""
    monkeypatch.setattr("archive.connections.random", lambda: 0)

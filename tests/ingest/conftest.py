import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from threading import Thread
from typing import Any

import obstore
import pytest
from botocore.model import OperationModel
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    create_backend_app,
)
from werkzeug.serving import make_server

import ingest.handler
from ingest.settings import settings
from local import partiql
from local.moto_server import OneDynamoDBRequestAtATime
from tests.ingest.deployment import LargeRequests, forget
from tests.intercepted_s3 import Untraced, answer_at_once
from transaction import journal


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    partiql.insert_in_batches()
    moto = OneDynamoDBRequestAtATime(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, moto, threaded=True, request_handler=Untraced)
    answer_at_once(server.socket)
    serving = Thread(target=server.serve_forever, args=(0.02,))
    serving.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    serving.join()
    server.server_close()


@contextmanager
def deployed(endpoint: str) -> Iterator[LargeRequests]:
    """Let the functions of this process use resources of their own."""
    large = LargeRequests(endpoint)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in large.variables.items():
            patch.setenv(name, value)
        forget()
        yield large
        forget()


@pytest.fixture
def large(endpoint: str) -> Iterator[LargeRequests]:
    with deployed(endpoint) as large:
        yield large


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    stream = StringIO()
    monkeypatch.setattr(journal.logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture
def calls(large: LargeRequests, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the calls of S3 that ingest makes."""
    counted: Counter[str] = Counter()

    def count(model: OperationModel, **_: object) -> None:
        counted[model.name] += 1

    def put(*arguments: object, **options: object) -> object:
        counted["PutObject"] += 1
        return put_object(*arguments, **options)

    put_object: Any = obstore.put
    monkeypatch.setattr("archive.objects.obstore.put", put)
    chosen = settings()
    assert chosen.archive_bucket == large.bucket
    copier = ingest.handler.archive(chosen)._objects._copier
    assert copier
    for client in (copier, ingest.handler.staging(chosen)._s3):
        client.meta.events.register("before-call.s3", count)
    return counted

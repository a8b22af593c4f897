"""One bucket and table for all tests of a file: they read, and what they store is their own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from io import StringIO

import pytest

import retrieve.handler
import retrieve.settings
import store.settings
from events.proxy import retrieve_event, store_event
from store.handler import lambda_handler
from tests.builders import content_type, multipart, part
from tests.ingest.conftest import endpoint
from tests.store.deployment import Deployment, environment, function
from tests.store.lambdas import Context, Reply
from transaction import journal

__all__ = ["endpoint"]

Get = Callable[..., Reply]
Keep = Callable[..., None]


def forget() -> None:
    for cached in (
        store.settings.settings,
        retrieve.settings.settings,
        retrieve.handler.retrieval,
    ):
        cached.cache_clear()


@pytest.fixture(scope="module")
def deployment(endpoint: str) -> Iterator[Deployment]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RetrieveFunction", "StoreFunction"):
            for variable, value in environment(function(name), endpoint).items():
                patch.setenv(variable, value)
        patch.setattr(journal.logger.registered_handler, "stream", StringIO())
        forget()
        yield Deployment(endpoint)
    forget()


@pytest.fixture(scope="module")
def keep(deployment: Deployment) -> Keep:
    """Return what stores instances."""
    del deployment

    def store(*contents: bytes) -> None:
        sent = store_event(multipart(*map(part, contents)), content_type())
        with redirect_stdout(StringIO()):
            assert lambda_handler(sent, Context(28))["statusCode"] == 200

    return store


@pytest.fixture(scope="module")
def get(deployment: Deployment) -> Get:
    """Return what asks the retrieve function for what UIDs name."""
    del deployment

    def ask(
        *uids: str,
        below: str = "",
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str | list[str]] | None = None,
    ) -> Reply:
        fields = headers or {"Accept": "*/*"}
        sent = retrieve_event(*uids, below=below, method=method, headers=fields, query=query)
        with redirect_stdout(StringIO()):
            return Reply(retrieve.handler.lambda_handler(sent, Context(28)))

    return ask


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    stream = StringIO()
    monkeypatch.setattr(journal.logger.registered_handler, "stream", stream)
    return stream

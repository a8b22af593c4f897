from collections.abc import Iterator

import pytest

from store.settings import settings
from tests.ingest.conftest import endpoint
from tests.store.deployment import Deployment, environment, function
from tests.store.lambdas import Store
from tests.writers import wait_for_writers
from transaction import journal

__all__ = ["endpoint"]


@pytest.fixture
def deployment(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    for name, value in environment(function("StoreFunction"), endpoint).items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield Deployment(endpoint)
    wait_for_writers()
    settings.cache_clear()


@pytest.fixture
def store(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store(deployment)
    monkeypatch.setattr(journal.logger.registered_handler, "stream", store.log)
    return store

"""The two services that most rows are asked of: as it comes, and with everything chosen."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from store.settings import settings
from tests.rows.faults import StoreFunction

if TYPE_CHECKING:
    from tests.service import RunningService, Start


@pytest.fixture
def running(service: "Start") -> "RunningService":
    """The service with the parameters' defaults."""
    return service()


@pytest.fixture
def chosen(service: "Start") -> "RunningService":
    """The service with the other choice of every parameter of what is stored."""
    return service(
        StorageProfile="any-storage",
        DuplicatePolicy="replace",
        RetrieveBaseUrl="https://pacs.example/dicomweb",
        AllowedOrigins="https://viewer.example",
    )


@pytest.fixture
def store_function(
    running: "RunningService", monkeypatch: pytest.MonkeyPatch
) -> Iterator[StoreFunction]:
    """The store function in this process, on the storage of the service with the defaults."""
    yield StoreFunction(running, monkeypatch)
    settings.cache_clear()

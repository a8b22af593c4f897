"""The two services that most rows are asked of: as it comes, and with everything chosen."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from store.settings import settings
from tests import intercepted_s3
from tests.intercepted_s3 import InterceptedS3
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
    s3 = InterceptedS3(intercepted_s3.elsewhere(running.s3.meta.endpoint_url))
    with intercepted_s3.serve(s3) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        yield StoreFunction(running, s3, monkeypatch)
    settings.cache_clear()

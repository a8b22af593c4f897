"""The two services that most rows are asked of: as it comes, and with everything chosen."""

from typing import TYPE_CHECKING

import pytest

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

from collections.abc import Callable

import pytest

from rebuild.__main__ import main
from tests.store.conftest import deployment, endpoint, store
from tests.store.deployment import TEMPLATE

__all__ = ["deployment", "endpoint", "store"]

Rebuild = Callable[..., int]


@pytest.fixture
def rebuild(monkeypatch: pytest.MonkeyPatch) -> Rebuild:
    """The command, for the bucket of the deployment, without the pauses between attempts."""
    monkeypatch.setattr("rebuild.studies.time.sleep", lambda _: None)

    def run(*arguments: str, table: str = TEMPLATE.table) -> int:
        return main(["--bucket", TEMPLATE.bucket, "--table", table, *arguments])

    return run

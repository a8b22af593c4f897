from collections.abc import Callable
from http import HTTPStatus

import pytest

from events.proxy import store_event
from rebuild.__main__ import main
from tests.builders import content_type, multipart, part
from tests.store.conftest import deployment, endpoint, store
from tests.store.deployment import TEMPLATE
from tests.store.lambdas import Store

__all__ = ["deployment", "endpoint", "store"]

Rebuild = Callable[..., int]


def send(store: Store, *contents: bytes) -> None:
    reply = store.invoke(store_event(multipart(*map(part, contents)), content_type()))
    assert reply.status == HTTPStatus.OK


@pytest.fixture
def rebuild(monkeypatch: pytest.MonkeyPatch) -> Rebuild:
    """The command, for the bucket of the deployment, without the pauses between attempts."""
    monkeypatch.setattr("rebuild.studies.time.sleep", lambda _: None)

    def run(*arguments: str, table: str = TEMPLATE.table) -> int:
        return main(["--bucket", TEMPLATE.bucket, "--table", table, *arguments])

    return run

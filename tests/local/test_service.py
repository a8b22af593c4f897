from dataclasses import replace
from pathlib import Path

import pytest

from local.service import NotRunning, Service, announced, running

SERVICE = Service(
    base_url="http://127.0.0.1:8080",
    endpoint="http://127.0.0.1:5050",
    bucket="bucket",
    table="table",
    authentication="none",
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_service_is_found_while_it_runs() -> None:
    with announced(SERVICE):
        assert running() == SERVICE
    with pytest.raises(NotRunning):
        running()


def test_a_service_that_was_killed_is_not_running(monkeypatch: pytest.MonkeyPatch) -> None:
    with announced(SERVICE), monkeypatch.context() as patch:
        patch.setattr("os.kill", lambda *_: (_ for _ in ()).throw(ProcessLookupError))
        with pytest.raises(NotRunning, match="make run"):
            running()


def test_a_service_that_ends_leaves_a_later_one_announced() -> None:
    later = replace(SERVICE, base_url="http://127.0.0.1:8081")
    first, second = announced(SERVICE), announced(later)
    first.__enter__()
    with second:
        first.__exit__(None, None, None)
        assert running() == later

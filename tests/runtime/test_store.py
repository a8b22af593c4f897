import json
import socket
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from events.instances import PERSONAL, ROOT, ct
from local import aws
from tests.runtime.emulator import Runtime, running
from tests.store.deployment import EVENTS, Deployment, environment, event, function

pytestmark = pytest.mark.process

STORE = function("StoreFunction")
STATUSES = {200, 202, 400, 401, 403, 409, 503}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with aws.embedded(0) as url:
        yield url


@pytest.fixture(scope="module")
def runtime(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    log = tmp_path_factory.mktemp("store") / "log"
    with running(STORE, environment(STORE, endpoint), log) as runtime:
        yield runtime


@pytest.fixture
def deployment(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    for name, value in environment(STORE, endpoint).items():
        monkeypatch.setenv(name, value)
    return Deployment(endpoint)


def test_one_ct_in_and_200_out_and_its_bytes_and_items_are_kept(
    runtime: Runtime, deployment: Deployment
) -> None:
    answer = runtime.invoke(event("store/one-ct"))
    assert answer["statusCode"] == HTTPStatus.OK
    assert answer["headers"]["Content-Type"] == "application/dicom+xml"
    assert answer["headers"]["Location"].endswith(
        "/dicomweb/studies/1.2.826.0.1.3680043.8.498.7.1.1"
    )
    assert list(deployment.objects().values()) == [ct()]
    (item,) = deployment.instances()
    assert item["Resource"]["S"].rpartition("/")[2] in answer["body"]


@pytest.mark.usefixtures("deployment")
def test_every_event_is_answered_within_the_closed_set_and_no_value_is_logged(
    runtime: Runtime,
) -> None:
    for path in sorted((EVENTS / "store").glob("*.json")):
        answer = runtime.invoke(json.loads(path.read_text()))
        assert answer.get("statusCode") in STATUSES, (path.name, answer)
    log = runtime.log.read_text()
    assert '"message":"store"' in log
    assert '"InstancesStored"' in log
    assert [value for value in (*PERSONAL.values(), ROOT) if value in log] == []


def test_when_aws_is_silent_the_answer_is_503_before_lambda_ends_the_function(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with running(STORE, environment(STORE, url), tmp_path / "log", seconds=5) as runtime:
            runtime.invoke(event("store/empty"))  # what starts the function takes time too
            begun = time.monotonic()
            answer = runtime.invoke(event("store/one-ct"))
            assert time.monotonic() - begun < 5
    assert answer["statusCode"] == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer["headers"]["Retry-After"] == "5"
    assert '"A700: part 1: ' in answer["multiValueHeaders"]["Warning"][0]

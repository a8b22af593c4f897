"""Large requests to the whole service: ask, PUT, wait for the answer."""

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import pytest

from local.large_objects import IN_MEMORY
from tests import builders
from tests.answers import Answer
from tests.local import staging
from tests.service import RunningService, Start

SMALL = builders.instance(number=1)
LARGE = builders.instance(number=2, Rows=2048, Columns=2304, PixelData=bytes(range(256)) * 36864)
BODY = builders.multipart(*map(builders.part, (SMALL, LARGE, builders.instance(number=3))))


@pytest.fixture
def running(service: Start) -> RunningService:
    """Return a service that no other test stores into."""
    running = service(UploadSeconds="600")
    running.clear()
    return running


def offer(running: RunningService, size: int) -> dict[str, Any]:
    announced = {"contentType": builders.content_type(), "size": size}
    answer = running.post(json.dumps(announced).encode(), "/uploads", "application/json")
    assert answer.status == 200
    offered: dict[str, Any] = json.loads(answer.body)
    return offered


def put(offered: dict[str, Any], body: bytes) -> staging.Answer:
    return staging.send("PUT", offered["url"], body, offered["headers"])


def poll(running: RunningService, offered: dict[str, Any]) -> Answer:
    """Ask until the upload is no longer pending."""
    path = offered["location"].removeprefix(running.base_url)
    end = time.monotonic() + 30
    while (answer := running.send("GET", path)).media_type == "application/json":
        assert "Retry-After" in answer.headers
        assert time.monotonic() < end
        time.sleep(0.1)
    return answer


def upload(running: RunningService, body: bytes) -> Answer:
    offered = offer(running, len(body))
    assert put(offered, body).status == 200
    return poll(running, offered)


def test_a_large_body_is_stored_byte_for_byte_and_answered_as_a_post(
    running: RunningService,
) -> None:
    assert len(LARGE) > IN_MEMORY
    answer = upload(running, BODY)
    assert (answer.status, answer.media_type) == (200, "application/dicom+xml")
    assert answer.stored == [builders.sop_uid(number=number) for number in (1, 2, 3)]
    stored = [SMALL, LARGE, builders.instance(number=3)]
    assert running.objects(builders.study_uid()) == sorted(
        sha256(content).hexdigest() for content in stored
    )
    assert re.search(r"stowport-IngestFunction staging/\S+ attempt 1 done \d+ ms", running.output())


def test_a_body_with_a_broken_end_stores_nothing(running: RunningService) -> None:
    answer = upload(running, BODY[:-20])
    assert answer.status == 400
    assert running.objects(builders.study_uid()) == []


def test_an_upload_can_be_used_once(running: RunningService) -> None:
    body = builders.multipart(builders.part(SMALL))
    offered = offer(running, len(body))
    assert put(offered, body).status == 200
    first = poll(running, offered)
    put(offered, body)
    time.sleep(1)
    again = poll(running, offered)
    assert (first.status, again.status, again.body) == (200, 200, first.body)


SIZES: list[Callable[[bytes], bytes]] = [lambda body: body + b"\r\n", lambda body: body[:-1]]


@pytest.mark.parametrize("change", SIZES, ids=["longer", "shorter"])
def test_a_body_of_another_size_is_refused(
    running: RunningService, change: Callable[[bytes], bytes]
) -> None:
    body = builders.multipart(builders.part(SMALL))
    offered = offer(running, len(body))
    changed = change(body)
    offered["headers"]["Content-Length"] = str(len(changed))
    assert put(offered, changed).status == 403


def test_uploads_at_the_same_time_are_all_stored(running: RunningService) -> None:
    bodies = [
        builders.multipart(builders.part(builders.instance(study=study))) for study in range(1, 13)
    ]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda body: upload(running, body), bodies))
    assert [answer.status for answer in answers] == [200] * 12
    assert all(len(running.objects(builders.study_uid(study))) == 1 for study in range(1, 13))

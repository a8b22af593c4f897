"""The worker is killed, at random moments and at every call, and its message comes again."""

import multiprocessing
import os
import time
from collections.abc import Mapping
from random import Random
from typing import Any

import obstore
import pytest
from botocore.model import OperationModel

import ingest.handler
from archive.copies import SMALLEST_COPY_BYTES
from ingest.settings import settings
from tests import builders
from tests.ingest.bodies import body_of, image
from tests.ingest.conftest import deployed
from tests.ingest.deployment import LargeRequests, invoke_ingest

pytestmark = pytest.mark.process

UPLOADS, KILLS = 4, 10
EXIT_CODE = 99
IMAGES = [image(1), image(2, SMALLEST_COPY_BYTES), *map(image, range(3, 9))]
STORED = {builders.sop_uid(number=n): content for n, content in enumerate(IMAGES, start=1)}

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.ingest.preloaded"])


def work(variables: Mapping[str, str], message: Mapping[str, Any]) -> None:
    os.environ |= dict(variables)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    invoke_ingest(message)


def work_for(large: LargeRequests, message: Mapping[str, Any], seconds: float) -> bool:
    """Ingest in a process of its own; return whether it had to be killed after ``seconds``."""
    worker = _PROCESSES.Process(target=work, args=(large.variables, message))
    worker.start()
    worker.join(seconds)
    worker.kill()
    worker.join()
    return worker.exitcode != 0


@pytest.fixture(scope="module")
def seconds(endpoint: str) -> float:
    """How long a worker takes that is not killed: until then it has something to lose."""
    with deployed(endpoint) as large:
        message = large.message(large.upload(body_of(*IMAGES)))
        assert not work_for(
            large, message, 60
        )  # the first one also starts what all are forked from
        images = [image(11, SMALLEST_COPY_BYTES), *map(image, range(12, 19))]
        message = large.message(large.upload(body_of(*images)))
        started = time.monotonic()
        assert not work_for(large, message, 60)
        return time.monotonic() - started


def check(large: LargeRequests) -> None:
    """Check what holds at any moment: what is committed is whole, and there is nothing else."""
    instances = large.instances()
    assert instances.items() <= STORED.items()
    for key in large.keys("studies/"):
        assert large.object(key) in IMAGES


@pytest.mark.parametrize("number", range(UPLOADS))
def test_a_worker_that_is_killed_at_random_moments_loses_nothing(
    large: LargeRequests, seconds: float, number: int
) -> None:
    large.variables["MAX_INGEST_ATTEMPTS"] = "1000"
    random = Random(number)
    body = body_of(*IMAGES)
    upload = large.upload(body)
    message = large.message(upload)
    for _ in range(KILLS):
        work_for(large, message, random.uniform(0, seconds))
    check(large)
    assert not work_for(large, message, 60)
    assert large.instances() == STORED
    assert len(large.keys("studies/")) == len(IMAGES)
    assert large.versions("studies/") == len(IMAGES)
    assert large.versions("staging/") == 0
    reply = large.look_up(upload)
    assert (reply.status, reply.warnings) == (200, [])
    assert len(reply.values("ReferencedSOPInstanceUID")) == len(IMAGES)


CALLS = {
    "GetObject": 1,
    "BatchGetItem": 1,
    "CreateMultipartUpload": 1,
    "UploadPartCopy": 1,
    "CompleteMultipartUpload": 1,
    "PutObject": 2,
    "BatchExecuteStatement": 2,
    "UpdateItem": 2,
    "DeleteObject": 1,
}
"""The calls that ingest one large and one small instance, and how many of a kind there are."""


def work_until(
    variables: Mapping[str, str], message: Mapping[str, Any], call: str, nth: int
) -> None:
    """Ingest, and end at once when AWS has answered a ``call`` for the ``nth`` time."""
    os.environ |= dict(variables)
    seen = 0
    put_object: Any = obstore.put

    def answered(name: str) -> None:
        nonlocal seen
        seen += name == call
        if seen == nth:
            os._exit(EXIT_CODE)

    def end(model: OperationModel, **_: object) -> None:
        answered(model.name)

    def put(*arguments: object, **options: object) -> object:
        result = put_object(*arguments, **options)
        answered("PutObject")
        return result

    vars(obstore)["put"] = put

    chosen = settings()
    archive, staging = ingest.handler.archive(chosen), ingest.handler.staging(chosen)
    table = ingest.handler.uploads(chosen)
    copier = archive._objects._copier
    assert copier
    for client in (copier, archive._index._dynamodb, staging._s3, table._dynamodb):
        client.meta.events.register("after-call", end)
    work(variables, message)


@pytest.mark.parametrize(
    ("call", "nth"), [(call, n + 1) for call, number in CALLS.items() for n in range(number)]
)
def test_a_worker_that_ends_after_any_call_loses_nothing(
    large: LargeRequests, call: str, nth: int
) -> None:
    images = [image(1, SMALLEST_COPY_BYTES), image(2)]
    upload = large.upload(body_of(*images))
    message = large.message(upload)
    worker = _PROCESSES.Process(target=work_until, args=(large.variables, message, call, nth))
    worker.start()
    worker.join()
    assert worker.exitcode == EXIT_CODE
    invoke_ingest(message)
    assert large.instances() == {
        builders.sop_uid(number=n): content for n, content in enumerate(images, start=1)
    }
    assert large.look_up(upload).status == 200
    assert large.versions("studies/") == len(images)
    assert large.versions("staging/") == 0

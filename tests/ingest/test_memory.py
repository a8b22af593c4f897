"""How much memory a body takes: what the process allocates does not grow with the body."""

import json
import multiprocessing
import os
import re
import time
from collections.abc import Callable, Mapping
from mmap import ACCESS_READ, mmap
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Thread
from typing import Any

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from archive.entries import Kept
from dicomweb.part10.inflation import MAX_INFLATED_BYTES
from events.proxy import staged_event
from tests import builders
from tests.ingest.bodies import body_of, image
from tests.ingest.deployment import LargeRequests, invoke_ingest

pytestmark = pytest.mark.process

MEBIBYTE = 1024**2
_PROCESSES = multiprocessing.get_context("spawn")


def anonymous_bytes() -> int:
    """Return what this process has allocated; pages of mapped files are not in it."""
    found = re.search(r"^RssAnon:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def measure(
    variables: Mapping[str, str],
    message: Mapping[str, Any],
    result: Connection,
    prepare: Callable[[], object],
) -> None:
    """Ingest, and send the most that was allocated at once, and what was before."""
    os.environ |= dict(variables)
    prepare()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    before, peak, over = anonymous_bytes(), [0], Event()

    def watch() -> None:
        while not over.is_set():
            peak[0] = max(peak[0], anonymous_bytes())
            time.sleep(0.002)

    watcher = Thread(target=watch)
    watcher.start()
    invoke_ingest(message)
    over.set()
    watcher.join()
    result.send((before, peak[0]))


def allocated(
    large: LargeRequests,
    upload: str,
    message: Mapping[str, Any],
    prepare: Callable[[], object] = dict,
) -> tuple[int, int]:
    """Return how many bytes a worker has allocated before it ingests, and at most."""
    receiver, sender = _PROCESSES.Pipe(duplex=False)
    arguments = (large.variables, message, sender, prepare)
    worker = _PROCESSES.Process(target=measure, args=arguments)
    worker.start()
    before, peak = receiver.recv()
    worker.join()
    reply = large.look_up(upload)
    assert (reply.status, reply.warnings) == (200, [])
    return int(before), int(peak)


def growth(large: LargeRequests, body: bytes) -> int:
    """Return by how many bytes a worker's memory grows while it ingests ``body``."""
    upload = large.upload(body)
    before, peak = allocated(large, upload, large.message(upload))
    return peak - before


def test_a_body_eight_times_as_large_takes_no_more_memory(large: LargeRequests) -> None:
    small = growth(large, body_of(image(1, 12 * MEBIBYTE)))
    whole = body_of(image(2, 48 * MEBIBYTE), *(image(n, 8 * MEBIBYTE) for n in range(3, 9)))
    assert len(whole) > 96 * MEBIBYTE
    assert growth(large, whole) < small + 24 * MEBIBYTE


MOST = 400 * MEBIBYTE
"""What the process of ingest may allocate, whatever the body."""

_AT_WORK = 40 * MEBIBYTE
"""What clients, threads and the modules for metadata take at work, whatever the body."""

INFLATED = 32 * MEBIBYTE

SIDE = 16384
HEAD = builders.multipart(builders.part(builders.instance(Rows=SIDE, Columns=SIDE, PixelData=b"")))
PIXEL_DATA = b"\xe0\x7f\x10\x00OW\x00\x00"
SPARSE = 2 * SIDE**2


def sparse() -> tuple[bytes, bytes]:
    """Return what is before and after the pixel data in a body."""
    before, after = HEAD.split(PIXEL_DATA + bytes(4))
    return before + PIXEL_DATA + SPARSE.to_bytes(4, "little"), after


def map_sparse() -> None:
    """Let ingest map a file with a hole as the body, and copy nothing of it."""

    def mapped(*_: object) -> mmap:
        before, after = sparse()
        with TemporaryFile() as file:
            file.write(before)
            file.seek(SPARSE, os.SEEK_CUR)
            file.write(after)
            file.flush()
            return mmap(file.fileno(), 0, access=ACCESS_READ)

    pytest.MonkeyPatch().setattr("archive.staging.Staging.mapped", mapped)
    pytest.MonkeyPatch().setattr("archive.objects.copy", lambda *_: None)


def test_an_instance_that_is_larger_than_the_memory_takes_none(large: LargeRequests) -> None:
    size = SPARSE + sum(map(len, sparse()))
    upload = large.announce(size).id
    staged = {"key": f"staging/{upload}", "size": size, "etag": "0"}
    _, peak = allocated(large, upload, staged_event(large.bucket, staged), map_sparse)
    assert SPARSE > MOST
    assert peak < MOST / 2


def keep_everything() -> None:
    """Spare the test the time of putting each instance: what is put is not what takes memory."""
    pytest.MonkeyPatch().setattr(
        "ingest.handler.keep", lambda instances, **_: [Kept()] * len(instances)
    )


def test_4000_small_instances_take_a_quarter_of_it(large: LargeRequests) -> None:
    number, uid = 1000, builders.sop_uid(number=1000)
    one = image(number)
    alike = (
        one.replace(uid.encode(), builders.sop_uid(number=n).encode()) for n in range(1000, 2000)
    )
    upload = large.upload(body_of(*alike))
    before, peak = allocated(large, upload, large.message(upload), keep_everything)
    assert 4 * (peak - before) < MOST / 4 + 4 * _AT_WORK


def deflated(number: int, size: int) -> bytes:
    """Return an image that is small until it is inflated."""
    rows = size // (2 * 1024)
    image = builders.data_set(number=number, Rows=rows, Columns=1024, PixelData=bytes(size))
    return builders.part10(image, DeflatedExplicitVRLittleEndian)


def test_data_sets_that_are_inflated_take_no_more(large: LargeRequests) -> None:
    large.variables["STORAGE_PROFILE"] = "any-storage"
    inflated = [deflated(n, INFLATED) for n in range(1, 4)]
    # A body may inflate to four times its size and some more.
    upload = large.upload(body_of(image(9, 17 * MEBIBYTE), *inflated))
    before, peak = allocated(large, upload, large.message(upload))
    # One at a time: three would take more. The largest that is inflated is four times as large.
    assert peak - before < 2.25 * INFLATED + _AT_WORK
    assert before + 2.25 * MAX_INFLATED_BYTES + _AT_WORK < MOST


def test_large_bulk_data_takes_no_more(large: LargeRequests) -> None:
    size = 60 * MEBIBYTE  # of the 64 MiB that all made of metadata may have together
    rows = size // (2 * 1024)
    model = json.loads(
        builders.data_set(Rows=rows, Columns=1024, PixelData=bytes(2)).to_json(
            1, lambda _: "pixels"
        )
    )
    body = builders.multipart(
        b"Content-Type: application/dicom+json\r\n\r\n" + json.dumps([model]).encode(),
        b"Content-Type: application/octet-stream\r\nContent-Location: pixels\r\n\r\n" + bytes(size),
    )
    content_type = f'multipart/related; type="application/dicom+json"; boundary={builders.BOUNDARY}'
    upload = large.upload(body, content_type)
    _, peak = allocated(large, upload, large.message(upload))
    assert peak < MOST

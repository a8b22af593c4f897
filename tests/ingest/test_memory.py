"""How much memory a body takes: what the process allocates does not grow with the body."""

import multiprocessing
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

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


def measure(variables: Mapping[str, str], message: Mapping[str, Any], result: Any) -> None:  # noqa: ANN401 - a connection
    """Ingest, and send the most that was allocated at once, and what was before."""
    os.environ |= dict(variables)
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


def growth(large: LargeRequests, body: bytes) -> int:
    """Return by how many bytes a worker's memory grows while it ingests ``body``."""
    upload = large.upload(body)
    receiver, sender = _PROCESSES.Pipe(duplex=False)
    arguments = (large.variables, large.message(upload), sender)
    worker = _PROCESSES.Process(target=measure, args=arguments)
    worker.start()
    before, peak = receiver.recv()
    worker.join()
    assert large.look_up(upload).status == 200
    return int(peak - before)


def test_a_body_eight_times_as_large_takes_no_more_memory(large: LargeRequests) -> None:
    small = growth(large, body_of(image(1, 24 * MEBIBYTE)))
    whole = body_of(image(2, 96 * MEBIBYTE), *(image(n, 8 * MEBIBYTE) for n in range(3, 15)))
    assert len(whole) > 192 * MEBIBYTE
    assert growth(large, whole) < small + 24 * MEBIBYTE

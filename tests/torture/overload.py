"""More senders than the service lets in at the same time, and a table that grows."""

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from archive.entries import DuplicatePolicy
from tests.bench.processes import resident_bytes
from tests.service import RunningService, run_service
from tests.torture.deployment import Broken, Deployment, Study

SENDERS = 16
REQUESTS = 10
"""How many requests each sender has."""

AT_A_TIME = 2
"""How many of them the service lets in."""

AT_ONCE = 100
"""How many instances a request of the growing table has."""


def overload() -> dict[str, int]:
    """Send to a service that lets a few requests in, until all are stored. Raises Broken."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        service = run_service(Path(folder), {"MaxSimultaneousRequests": str(AT_A_TIME)}, stack)
        with ThreadPoolExecutor(SENDERS) as pool:
            statuses = Counter[int]()
            for counted in pool.map(lambda _: _send(service), range(SENDERS)):
                statuses += counted
    return {str(status): number for status, number in sorted(statuses.items())}


def _send(service: RunningService) -> Counter[int]:
    statuses = Counter[int]()
    for _ in range(REQUESTS):
        study = Study(2)
        contents = study.contents()
        while True:
            answer = service.store(*contents.values())
            statuses[answer.status] += 1
            if answer.status == 200:
                break
            if answer.status != 503 or not answer.headers.get("Retry-After"):
                raise Broken(f"found status {answer.status}, expected 200, or 503 with Retry-After")
            time.sleep(0.05)
        if len(service.objects(study.uid)) != len(contents):
            raise Broken("an acknowledged instance is not there")
    return statuses


def grow(deployment: Deployment, instances: int) -> dict[str, Any]:
    """Store so many ``instances``, and compare the last requests with the first. Raises Broken."""
    times, sizes, uids = [], [], []
    for _ in range(0, instances, AT_ONCE):
        study = Study(AT_ONCE)
        contents = list(study.contents().values())
        began = time.process_time()
        reply = deployment.store(contents, DuplicatePolicy.REJECT, 60)
        times.append(time.process_time() - began)
        sizes.append(resident_bytes(os.getpid()) / 1e6)
        uids.append(study.uid)
        if reply.status != 200:
            raise Broken(f"status {reply.status} after {len(times) * AT_ONCE} instances")
    if any(len(deployment.stored(uid)) != AT_ONCE for uid in (uids[0], uids[-1])):
        raise Broken("an acknowledged instance is not there")
    few = max(1, len(times) // 10)
    return {
        "instances": len(times) * AT_ONCE,
        "first_ms": round(median(times[:few]) / AT_ONCE * 1000, 2),
        "last_ms": round(median(times[-few:]) / AT_ONCE * 1000, 2),
        "first_mb": round(median(sizes[:few])),
        "last_mb": round(median(sizes[-few:])),
    }

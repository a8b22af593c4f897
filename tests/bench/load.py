"""``python -m tests.bench.load``: store requests, as often as a line of input says so.

A line is a JSON object of the arguments of ``run``, and is answered by a line with a JSON object of
what it returns. Each connection is a process with one kept connection. A body is made once and only
its UIDs are replaced, so the sender costs little beside any server. Every answer is read: the
status, and that Referenced SOP Sequence names exactly the instances sent.
"""

import http.client
import json
import multiprocessing
import sys
import time
from collections.abc import Sequence
from functools import cache
from multiprocessing.synchronize import Barrier
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.bench.instances import CASES, CONTENT_TYPE, Body, ct_image, new_uids

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

Work = tuple[str, str, int]
"""URL, case and number of requests."""

_HEADERS = {"Accept": "application/dicom+json", "Content-Type": CONTENT_TYPE}


def send(work: Work, seed: int, barrier: Barrier, results: "Queue[dict[str, Any]]") -> None:
    """Send a connection's share of the requests, over one connection."""
    url, case, count = work
    what = CASES[case]
    body, uids = Body(image(case), what.instances), new_uids(seed)
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=120)
    connection.connect()
    seconds, studies, wrong = [], [], []
    barrier.wait()
    cpu = time.process_time()
    for _ in range(count):
        sops = body.renew(uids)
        started = time.perf_counter()
        try:
            connection.request("POST", address.path, bytes(body.content), _HEADERS)
            response = connection.getresponse()
            answer = response.read()
        except (http.client.HTTPException, OSError) as error:
            wrong.append(type(error).__name__)
            connection.close()
            continue
        seconds.append(time.perf_counter() - started)
        fault = fault_of(response.status, answer, sops)
        studies.append(None if fault else body.study)
        if fault:
            wrong.append(fault)
    cpu = time.process_time() - cpu
    results.put({"seconds": seconds, "studies": studies, "wrong": wrong, "cpu": cpu})


def fault_of(status: int, answer: bytes, sops: Sequence[str]) -> str | None:
    """Return what is wrong with an answer, or None."""
    if status != 200:
        return f"{status} {answer[:200]!r}"
    referenced = json.loads(answer)["00081199"]["Value"]
    named = [item["00081155"]["Value"][0] for item in referenced]
    return None if sorted(named) == sorted(sops) else "other instances than those sent"


def run(url: str, case: str, connections: int, count: int) -> dict[str, Any]:
    """Share ``count`` requests out over the ``connections``.

    Returns the seconds that they took, the seconds of each and the study that it stored, the CPU
    seconds of the senders, and what was wrong.
    """
    image(case)
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(connections + 1), context.Queue()
    share = -(-count // connections)
    senders = [
        context.Process(
            target=send, args=((url, case, share), time.time_ns() // 1000 + n, barrier, results)
        )
        for n in range(connections)
    ]
    for sender in senders:
        sender.start()
    barrier.wait(60)
    started = time.perf_counter()
    ended = [results.get(timeout=300) for _ in senders]
    elapsed = time.perf_counter() - started
    for sender in senders:
        sender.join()
    return {
        "elapsed": elapsed,
        "requests": share * connections,
        "seconds": [second for result in ended for second in result["seconds"]],
        "studies": [study for result in ended for study in result["studies"]],
        "wrong": [fault for result in ended for fault in result["wrong"]],
        "cpu": sum(result["cpu"] for result in ended),
    }


@cache
def image(case: str) -> bytes:
    """Return the instance of a case, made before there are senders that would each make it."""
    return ct_image(CASES[case].rows, CASES[case].columns)


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(**json.loads(line))) + "\n")
        sys.stdout.flush()

"""The slowest chain of calls that a request for new instances cannot do without.

Study, series and instances are read; then each object is put, and the items of study and series
are written meanwhile; then the item of each instance is written, which makes it stored. Each call
takes as long as the stand-in took to answer it, and nothing else takes any time.
"""

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapreplace
from typing import Any

from tests.bench.latencies import AT_ONCE

Call = Mapping[str, Any]
"""As the stand-in notes it: ``operation``, ``study``, ``instances``, ``came`` and ``seconds``."""


def by_study(calls: Iterable[Call]) -> dict[str, list[Call]]:
    """Return the calls of each study, in the order in which they came."""
    studies: dict[str, list[Call]] = {}
    for call in sorted(calls, key=lambda call: call["came"]):
        studies.setdefault(call["study"], []).append(call)
    return studies


def of(calls: Sequence[Call]) -> float:
    """Return the seconds of the chain of a request, whose ``calls`` are in their order.

    Reads do not wait for one another, and nor do writes. Of the objects, ``AT_ONCE`` are put at
    the same time.
    """
    reads = [call for call in calls if call["operation"] == "BatchGetItem"]
    puts = [call for call in calls if call["operation"] == "PutObject"]
    writes = [call for call in calls if call["operation"] not in ("BatchGetItem", "PutObject")]
    shared = max((call["seconds"] for call in writes if not call["instances"]), default=0.0)
    commits = {sop: call["seconds"] for call in writes for sop in call["instances"]}
    stored = (max(end, shared) + commits[sop] for sop, end in _put(puts).items())
    seconds: float = max(call["seconds"] for call in reads) + max(stored)
    return seconds


def beyond(calls: Sequence[Call], seconds: float) -> dict[str, float]:
    """Return where the rest of the ``seconds`` of an answer went, beyond the chain of its calls."""
    read = max(_end(call) for call in calls if call["operation"] == "BatchGetItem")
    first_object = min(call["came"] for call in calls if call["operation"] == "PutObject")
    between = max(map(_end, calls)) - min(call["came"] for call in calls)
    to_objects = first_object - read
    return {
        "before the first call and after the last": seconds - between,
        "from the read to the first object": to_objects,
        "otherwise between calls": between - to_objects - of(calls),
    }


def _end(call: Call) -> float:
    end: float = call["came"] + call["seconds"]
    return end


def _put(puts: Sequence[Call]) -> dict[str, float]:
    """Return when the object of each instance is there, if each is put as soon as one may be."""
    lanes = [0.0] * AT_ONCE
    ends = {}
    for call in puts:
        ends[call["instances"][0]] = end = lanes[0] + call["seconds"]
        heapreplace(lanes, end)
    return ends

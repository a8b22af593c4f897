"""Memory and calls: what an execution environment takes."""

from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import Any

from tests.bench import processes
from tests.bench.instances import CASES, ct_image
from tests.bench.lambda_runtime import Deployment, Environment
from tests.bench.setting import Aws, Setting, aws, events, function
from tests.bench.starts import ECHO

_SMALL = ct_image(32, 32)


def measure_memory(setting: Setting) -> dict[str, Any]:
    """Return peak over idle (MB) for bodies of several sizes, and of a function that does nothing.

    Idle is a process that has answered a small request. What the runtime client needs to get an
    event is the peak of a function that returns at once.
    """
    store = setting.deployment
    echo = replace(store, task=function("echo", ECHO))
    sizes = {"0.5 MB": (512, 512), "2.1 MB": (1024, 1024), "4.4 MB": (2048, 1074)}
    result: dict[str, Any] = {}
    with aws() as stand_in:
        for name, (rows, columns) in sizes.items():
            image = ct_image(rows, columns)
            large = next(events(image, 1))
            idle, peak = _peak(store, "store.handler.lambda_handler", stand_in, large)
            bare_idle, bare_peak = _peak(echo, "function.handler", stand_in, large)
            result[name] = {
                "idle_mb": round(idle / 1e6, 1),
                "peak_mb": round(peak / 1e6, 1),
                "over_idle_in_bodies": round((peak - idle) / len(image), 2),
                "runtime_client_in_bodies": round((bare_peak - bare_idle) / len(image), 2),
            }
    return result


def _peak(deployment: Deployment, handler: str, stand_in: Aws, event: bytes) -> tuple[int, int]:
    stand_in.reset()
    with Environment(deployment, stand_in.endpoint, handler=handler) as environment:
        for small in islice(events(_SMALL, 1), 3):
            environment.invoke(small)
        idle = processes.resident_bytes(environment.pid)
        processes.forget_peak(environment.pid)
        environment.invoke(event)
        return idle, processes.peak_bytes(environment.pid)


def measure_calls(setting: Setting) -> dict[str, Any]:
    """Count what S3 and DynamoDB are asked, for each case, sent once and sent again."""
    result: dict[str, Any] = {}
    for case in CASES.values():
        image = ct_image(case.rows, case.columns)
        event = next(events(image, case.instances))
        with aws() as stand_in, Environment(setting.deployment, stand_in.endpoint) as environment:
            environment.invoke(event)
            first = Counter(stand_in.counts())
            environment.invoke(event)
            again = Counter(stand_in.counts()) - first
        result[case.name] = {"first": dict(first), "again": dict(again)}
    return result

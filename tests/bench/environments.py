"""Cold start, memory, calls and cost: what an execution environment takes."""

import re
import shutil
import subprocess
import time
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from tests.bench import processes
from tests.bench.figures import ratio, spread
from tests.bench.instances import CASES, ct_image
from tests.bench.lambda_runtime import Deployment, Environment
from tests.bench.setting import BUILT, Aws, Setting, aws, events

_IMPORT = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*([\w.]+)")
_SMALL = ct_image(32, 32)
_CLIENTS = """\
import boto3


def handler(event, context):
    boto3.client("s3"), boto3.client("dynamodb")
    return {}
"""
_ECHO = "def handler(event, context):\n    return {}\n"


def measure_cold_start(setting: Setting) -> dict[str, Any]:
    """Time from the start of a process to its first answer, and CPU of it."""
    store, clients, echo = (
        setting.deployment,
        _handler("clients", _CLIENTS),
        _handler("echo", _ECHO),
    )
    variants = {
        "store": (store, "store.handler.lambda_handler"),
        "boto3's two clients": (replace(store, task=clients), "function.handler"),
        "runtime client alone": (replace(store, task=echo), "function.handler"),
    }
    uncompiled = _without_bytecode(store)
    rounds: dict[str, list[tuple[float, float]]] = {}
    with aws() as stand_in:
        event = next(events(_SMALL, 1))
        for _ in range(setting.repeats(11)):
            for name, (deployment, handler) in variants.items():
                started = _start(deployment, handler, stand_in, event)
                rounds.setdefault(name, []).append(started)
        for _ in range(setting.repeats(5)):
            started = _start(uncompiled, "store.handler.lambda_handler", stand_in, event)
            rounds.setdefault("store without bytecode", []).append(started)
        imports = _imports(store, stand_in.endpoint)
    result: dict[str, Any] = {
        name: {
            "cpu_ms": spread([cpu for cpu, _ in measured], 1000, 0),
            "wall_ms": spread([wall for _, wall in measured], 1000, 0),
        }
        for name, measured in rounds.items()
    }
    of_clients = result["boto3's two clients"]
    return {
        "starts": result,
        "over_clients": {
            kind: ratio(result["store"][kind], of_clients[kind]) for kind in ("cpu_ms", "wall_ms")
        },
        "imports_ms": imports,
    }


def _handler(name: str, source: str) -> Path:
    folder = BUILT / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "function.py").write_text(source, "utf-8")
    return folder


def _without_bytecode(deployment: Deployment) -> Deployment:
    bare = BUILT / "uncompiled"
    shutil.rmtree(bare, ignore_errors=True)
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(deployment.layer, bare / "layer", ignore=without)
    shutil.copytree(deployment.task, bare / "function", ignore=without)
    environment = {"PYTHONDONTWRITEBYTECODE": "1"}
    layer, task = bare / "layer", bare / "function"
    return replace(deployment, layer=layer, task=task, environment=environment)


def _start(
    deployment: Deployment, handler: str, stand_in: Aws, event: bytes
) -> tuple[float, float]:
    started = time.perf_counter()
    stand_in.reset()
    with Environment(deployment, stand_in.endpoint, handler=handler) as environment:
        environment.invoke(event)
        elapsed = time.perf_counter() - started
        return processes.cpu_seconds([environment.pid]), elapsed


def _imports(deployment: Deployment, endpoint: str) -> dict[str, float]:
    """Return the milliseconds that the modules of each package take, and the rest's together."""
    done = subprocess.run(
        [deployment.python, "-P", "-X", "importtime", "-c", "import store.handler"],
        env=deployment.variables(endpoint),
        capture_output=True,
        text=True,
        check=True,
    )
    packages: Counter[str] = Counter()
    for microseconds, module in _IMPORT.findall(done.stderr):
        package = module.partition(".")[0]
        third_party = (deployment.layer / package).is_dir() or (deployment.task / package).is_dir()
        packages[package if third_party else "standard library"] += int(microseconds)
    return {name: round(count / 1000, 1) for name, count in packages.most_common(12)}


def measure_memory(setting: Setting) -> dict[str, Any]:
    """Return peak over idle (MB) for bodies of several sizes, and of a function that does nothing.

    Idle is a process that has answered a small request. What the runtime client needs to get an
    event is the peak of a function that returns at once.
    """
    store = setting.deployment
    echo = replace(store, task=_handler("echo", _ECHO))
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

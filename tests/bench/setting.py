"""What the benchmark runs on: the deployed function, a stand-in for AWS, events."""

import json
import platform
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from events.proxy import store_event
from tests.bench import processes
from tests.bench.instances import CONTENT_TYPE, Body, new_uids
from tests.bench.lambda_runtime import Deployment
from tests.bench.latencies import Latency

ROOT = Path(__file__).parent.parent.parent
BUILT = ROOT / "build" / "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """``python`` is a Python 3.13, as Lambda's; ``scale`` is 1 for a whole run, less for a try."""

    python: str
    scale: float

    @property
    def authorizer(self) -> Deployment:
        """The authorizer, which has a layer of its own."""
        return replace(self.deployment, layer=BUILT / "authorizer-layer" / "python")

    @property
    def deployment(self) -> Deployment:
        """The function and its layer as the build makes them, bytecode included."""
        return Deployment(
            python=self.python,
            task=BUILT / "function",
            layer=BUILT / "layer" / "python",
            runtime=BUILT / "runtime",
        )

    def repeats(self, number: int) -> int:
        """Return how often to repeat what a whole run repeats ``number`` times."""
        return max(3, round(number * self.scale))


class Aws:
    """A running stand-in for S3 and DynamoDB."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"

    def counts(self) -> dict[str, int]:
        """Return the operations, capacity units and bytes since it was last reset."""
        counts: dict[str, int] = self._ask("/-/counts")
        return counts

    def reset(self) -> None:
        self._ask("/-/reset")

    def fill(self, study: str, items: int) -> None:
        """Put ``items`` instance items of the study into the table."""
        self._ask(f"/-/fill?study={study}&items={items}")

    def multiply(self, study: str, items: int) -> None:
        """Fill a study of which something is stored to so many items (``services``)."""
        self._ask(f"/-/multiply?study={study}&items={items}")

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls that were answered since it was last asked, if it takes time."""
        calls: list[dict[str, Any]] = self._ask("/-/calls")
        return calls

    def _ask(self, path: str) -> Any:  # noqa: ANN401 - JSON
        with urllib.request.urlopen(self.endpoint + path) as answer:
            return json.load(answer)


def function(name: str, source: str) -> Path:
    """Write a function whose handler is ``function.handler``; return its folder."""
    folder = BUILT / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "function.py").write_text(source, "utf-8")
    return folder


@contextmanager
def aws(latencies: Mapping[str, Latency] | None = None, module: str = "aws_stub") -> Iterator[Aws]:
    """Run the stand-in, which answers at once unless it is given ``latencies``."""
    port = processes.free_port()
    given = {name: asdict(latency) for name, latency in (latencies or {}).items()}
    command = [sys.executable, "-m", f"tests.bench.{module}", str(port), json.dumps(given)]
    with processes.started(command, cwd=ROOT):
        processes.wait_for_port(port)
        yield Aws(port)


def event(content: bytes) -> bytes:
    """Return what API Gateway hands to Lambda for a multipart body."""
    headers = {"Accept": "application/dicom+json"}
    return json.dumps(store_event(content, CONTENT_TYPE, headers=headers)).encode()


def events(instance: bytes, number: int, study: str | None = None) -> Iterator[bytes]:
    """Yield events of ``number`` instances, each of another study or all of ``study``."""
    body, uids = Body(instance, number), new_uids(next(_SEEDS))
    while True:
        body.renew(uids, study)
        yield event(bytes(body.content))


def timed(
    setting: Setting, endpoint: str, measured: Iterable[bytes], *, calls: bool = True
) -> list[dict[str, list[float]]]:
    """Handle the events in a process of the deployment; see ``in_function``."""
    folder = BUILT / "events"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, content in enumerate(measured):
        (folder / f"{number:04}.json").write_bytes(content)
    result = BUILT / "times.json"
    script = Path(__file__).with_name("in_function.py")
    mode = "calls" if calls else "no-calls"
    subprocess.run(
        [setting.python, "-P", script, folder, mode, result],
        env=setting.deployment.variables(endpoint),
        cwd=setting.deployment.task,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    times: list[dict[str, list[float]]] = json.loads(result.read_text("utf-8"))
    shutil.rmtree(folder)
    return times


def machine() -> dict[str, Any]:
    """Say what this was measured on."""
    cpu = Path("/proc/cpuinfo").read_text("utf-8")
    model = re.search(r"model name\s*:\s*(.*)", cpu)
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text("utf-8"))
    return {
        "processor": model.group(1) if model else platform.machine(),
        "cores": cpu.count("processor\t:"),
        "memory_gib": round(int(memory.group(1)) / 2**20) if memory else None,
        "kernel": platform.release(),
    }


_SEEDS = count()

Section = Callable[[Setting], dict[str, Any]]

"""What the large path is sent to: a sink, a relay before it, and the whole local service."""

import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import processes
from tests.bench.setting import ROOT

FUNCTIONS, AWS = "gateway and functions", "S3 and DynamoDB"
"""The processes of the local service, of which the second is a child of the first."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where to send to: the service, the S3 beside it, and the processes that are counted."""

    url: str
    endpoint: str
    bucket: str
    pids: Mapping[str, int] = field(default_factory=dict)


@contextmanager
def sink() -> Iterator[Server]:
    """Run a process that takes bodies and forgets them."""
    port = processes.free_port()
    with processes.started([sys.executable, "-m", "tests.bench.sink", str(port)], cwd=ROOT) as pid:
        processes.wait_for_port(port)
        url = f"http://127.0.0.1:{port}"
        yield Server(url, url, "bucket", {"sink": pid})


@contextmanager
def relay(server: Server, folder: Path) -> Iterator[Server]:
    """Run a relay to ``server`` that spools in ``folder``."""
    port = processes.free_port()
    command = [sys.executable, "-m", "stowport", "relay", "--url", server.url]
    environment = {
        "PYTHONPATH": f"{ROOT / 'client'}:{ROOT / 'functions'}",
        "TMPDIR": str(folder),
    }
    options = ["--listen", f"127.0.0.1:{port}"]
    with processes.started([*command, *options], cwd=ROOT, environment=environment) as pid:
        processes.wait_for_port(port)
        url = f"http://127.0.0.1:{port}"
        yield Server(url, server.endpoint, server.bucket, {**server.pids, "relay": pid})


@contextmanager
def local_service(folder: Path) -> Iterator[Server]:
    """Start what `make run` starts, in ``folder``; gateway and functions are one process."""
    folder.mkdir()
    command = [sys.executable, "-m", "local", "PORT=0", "AWS_PORT=0"]
    environment = {"PYTHONPATH": str(ROOT), "AWS_ENDPOINT_URL": ""}
    try:
        with processes.started(command, cwd=folder, environment=environment) as pid:
            announced = folder / ".stowport" / "service.json"
            _wait_for(announced)
            service = json.loads(announced.read_text("utf-8"))
            endpoint = service["endpoint"]
            processes.wait_for_port(int(service["base_url"].rpartition(":")[2]))
            moto = next(child for child in _children(pid))
            yield Server(
                service["base_url"],
                endpoint,
                service["bucket"],
                {FUNCTIONS: pid, AWS: moto},
            )
    finally:
        shutil.rmtree(folder)


def _wait_for(path: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(child) for child in children.split()]

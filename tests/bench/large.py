"""The large path: ``stowport send``, ``relay`` and ingest, beside plain copies of the same bytes.

``client``: whole processes, from start to exit code, against a sink that takes and forgets. The
plain sender is boto3's PutObject with as many connections and the same files. ``service``: the same
to the whole local service, and PutObject to the S3 of that service. ``ingest``: a staged body of
one instance in a stand-in for S3 that moves every byte, and CopyObject of that body there.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from tests import builders
from tests.bench import processes
from tests.bench.figures import spread
from tests.bench.instances import SOP, ct_image, new_uids, pixels
from tests.bench.setting import ROOT, Setting

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

CONNECTIONS = 4
"""As many as `stowport send` opens unless told otherwise."""

BYTES_A_SECOND = 90_000_000
"""What S3 moves for one request, by AWS's "Performance guidelines for Amazon S3"."""

FILES, LARGE_BYTES = 2000, 2_000_000_000
SHARE = 4
"""Of the files, the local service gets a share, because it takes ten times as long."""

ROUNDS = 3
_FEWEST_FILES, _FEWEST_BYTES = 100, 64_000_000
_ROWS = 32_000
_PIXEL_DATA = b"\xe0\x7f\x10\x00OW\x00\x00"
_SHARED_MEMORY = Path("/dev/shm")
_STAGED = "staging%2F1"
_FUNCTIONS, _AWS = "gateway and functions", "S3 and DynamoDB"
"""The processes of the local service, of which the second is a child of the first."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where to send to: the service, the S3 beside it, and the processes that are counted."""

    url: str
    endpoint: str
    bucket: str
    pids: Mapping[str, int] = field(default_factory=dict)


def measure(setting: Setting) -> dict[str, Any]:
    """Return the figures of the three parts; everything is in memory and is gone at the end."""
    with _folder() as folder:
        small, large = folder / "small", folder / "large"
        count = max(_FEWEST_FILES, round(FILES * setting.scale))
        size = max(_FEWEST_BYTES, round(LARGE_BYTES * setting.scale))
        _write_small(small, count)
        _write_small(folder / "warm", 1)
        instance = _write_large(large, size)
        few = folder / "service" / "small"
        few.mkdir(parents=True)
        for path in sorted(small.iterdir())[: count // SHARE]:
            few.joinpath(path.name).hardlink_to(path)
        few.with_name("large").symlink_to(large)
        file_size = (small / "00000.dcm").stat().st_size
        result: dict[str, Any] = {
            "files": {"client": count, "service": count // SHARE},
            "bytes": {"small": file_size, "large": instance.stat().st_size},
            "connections": CONNECTIONS,
        }
        result["client"] = _client(setting, folder)
        result["service"] = _service(folder / "service", folder / "warm")
        shutil.rmtree(small)
        result["rate"] = BYTES_A_SECOND
        result["ingest"] = _ingest(setting, folder / "fast", instance, setting.repeats(ROUNDS))
        result["ingest at S3's rate"] = _ingest(
            setting, folder / "paced", instance, 1, BYTES_A_SECOND
        )
        return result


@contextmanager
def _folder() -> Iterator[Path]:
    parent = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
    folder = Path(mkdtemp(prefix="stowport-bench-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _write_small(folder: Path, count: int) -> None:
    folder.mkdir()
    image, uids = ct_image(512, 512), new_uids(time.time_ns())
    for number in range(count):
        (folder / f"{number:05}.dcm").write_bytes(image.replace(SOP.encode(), next(uids).encode()))


def _write_large(folder: Path, size: int) -> Path:
    """Write one instance with pixel data of about ``size`` bytes of noise."""
    folder.mkdir()
    columns = size // (2 * _ROWS)
    head = builders.instance(number=time.time_ns(), Rows=_ROWS, Columns=columns, PixelData=b"")
    before, after = head.split(_PIXEL_DATA + bytes(4))
    noise, left = pixels(512 * 1024), 2 * _ROWS * columns
    path = folder / "large.dcm"
    with path.open("wb") as stream:
        stream.write(before + _PIXEL_DATA + left.to_bytes(4, "little"))
        while left:
            left -= stream.write(noise[:left])
        stream.write(after)
    return path


def _client(setting: Setting, folder: Path) -> dict[str, Any]:
    with ExitStack() as stack:
        port = processes.free_port()
        command = [sys.executable, "-m", "tests.bench.sink", str(port)]
        pid = stack.enter_context(processes.started(command, cwd=ROOT))
        processes.wait_for_port(port)
        url = f"http://127.0.0.1:{port}"
        server = Server(url, url, "bucket", {"sink": pid})
        relay, relay_pid = stack.enter_context(_relay(url, folder))
        relayed = Server(relay, url, "bucket", {"sink": pid, "relay": relay_pid})
        ways = {
            ("small", "PutObject"): lambda: _plain(server, folder / "small"),
            ("small", "send"): lambda: _sent(server, folder / "small"),
            ("small", "send through a relay"): lambda: _sent(relayed, folder / "small"),
            ("large", "PutObject"): lambda: _plain(server, folder / "large"),
            ("large", "send"): lambda: _sent(server, folder / "large"),
        }
        return _in_turns(ways, setting.repeats(ROUNDS))


def _service(folder: Path, warm: Path) -> dict[str, Any]:
    """Each once: what is stored stays in the memory of the local service, which is then ended."""
    result: dict[str, Any] = {}
    for what in ("small", "large"):
        with _local_service(folder / "running") as server:
            files = folder / what
            _warm_up(server, warm)
            ways: dict[tuple[str, str], Way] = {
                (what, "PutObject"): partial(_plain, server, files),
                (what, "send"): partial(_sent, server, files),
            }
            result |= _in_turns(ways, 1)
    with _local_service(folder / "running") as server, _relay(server.url, folder) as (url, pid):
        relayed = Server(url, server.endpoint, server.bucket, {**server.pids, "relay": pid})
        _warm_up(server, warm)
        ways = {("small", "send through a relay"): lambda: _sent(relayed, folder / "small")}
        result["small"] |= _in_turns(ways, 1)["small"]
    return result


def _warm_up(server: Server, warm: Path) -> None:
    """Store an instance by a request and by an upload, so that each function has started."""
    for options in ((), ("--limit", "0.1MB")):
        _sent(server, warm, *options)


Way = Callable[[], dict[str, float]]


def _in_turns(ways: Mapping[tuple[str, str], Way], rounds: int) -> dict[str, Any]:
    """Return wall seconds, and CPU seconds by process, of each way."""
    taken: dict[tuple[str, str], list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, go in ways.items():
            taken[way].append(go())
    result: dict[str, Any] = {"small": {}, "large": {}}
    for (what, name), each in taken.items():
        result[what][name] = {kind: spread([one[kind] for one in each]) for kind in each[0]}
    return {what: ways for what, ways in result.items() if ways}


def _plain(server: Server, folder: Path) -> dict[str, float]:
    arguments = [server.endpoint, server.bucket, str(CONNECTIONS), str(folder)]
    return _run([sys.executable, "-m", "tests.bench.plain", *arguments], server, {})


def _sent(server: Server, folder: Path, *options: str) -> dict[str, float]:
    state = folder.parent / "state"
    arguments = ["send", "--again", "--url", server.url, str(folder), *options]
    variables = {
        "PYTHONPATH": f"{ROOT / 'client'}:{ROOT / 'functions'}",
        "XDG_STATE_HOME": str(state),
    }
    return _run([sys.executable, "-m", "stowport", *arguments], server, variables)


def _run(command: Sequence[str], server: Server, variables: Mapping[str, str]) -> dict[str, float]:
    """Return the wall seconds of a process, and the CPU seconds of it and of the servers."""
    before = {name: processes.cpu_seconds([pid]) for name, pid in server.pids.items()}
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **variables}, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (command, process.returncode)
    after = {name: processes.cpu_seconds([pid]) for name, pid in server.pids.items()}
    cpu = {name: after[name] - before[name] for name in before}
    if _FUNCTIONS in cpu:
        cpu[_FUNCTIONS] -= cpu[_AWS]
    return {"wall": wall, "sender": used.ru_utime + used.ru_stime, **cpu}


@contextmanager
def _relay(url: str, folder: Path) -> Iterator[tuple[str, int]]:
    port = processes.free_port()
    command = [sys.executable, "-m", "stowport", "relay", "--url", url]
    environment = {
        "PYTHONPATH": f"{ROOT / 'client'}:{ROOT / 'functions'}",
        "TMPDIR": str(folder),
    }
    options = ["--listen", f"127.0.0.1:{port}"]
    with processes.started([*command, *options], cwd=ROOT, environment=environment) as pid:
        processes.wait_for_port(port)
        yield f"http://127.0.0.1:{port}", pid


@contextmanager
def _local_service(folder: Path) -> Iterator[Server]:
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
                {_FUNCTIONS: pid, _AWS: moto},
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


def _ingest(
    setting: Setting, folder: Path, instance: Path, rounds: int, rate: int = 0
) -> dict[str, Any]:
    """Take turns: copy a body inside S3, and ingest it; each request moves ``rate`` bytes/s."""
    bucket, scratch = folder / "bucket", folder / "scratch"
    for each in (bucket, scratch):
        each.mkdir(parents=True)
    size = _stage(instance, bucket / _STAGED)
    port = processes.free_port()
    command = [sys.executable, "-m", "tests.bench.s3_files", str(port), str(bucket), str(rate)]
    with processes.started(command, cwd=ROOT) as pid:
        processes.wait_for_port(port)
        endpoint = f"http://127.0.0.1:{port}"
        ways: dict[str, Way] = {
            "CopyObject": lambda: _copied(endpoint),
            "ingest": lambda: _ingested(setting, endpoint, size, scratch),
        }
        taken: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, go in ways.items():
                before = processes.cpu_seconds([pid])
                times = go()
                taken[way].append({**times, "s3": processes.cpu_seconds([pid]) - before})
                _forget(endpoint, bucket)
    shutil.rmtree(folder)
    return {"size": size} | {
        way: {kind: spread([one[kind] for one in times]) for kind in times[0]}
        for way, times in taken.items()
    }


def _forget(endpoint: str, bucket: Path) -> None:
    """Remove all items, and all objects but the staged body."""
    urllib.request.urlopen(urllib.request.Request(endpoint, method="DELETE")).close()
    for each in bucket.iterdir():
        if each.name != _STAGED:
            each.unlink()


def _stage(instance: Path, body: Path) -> int:
    """Make the file of an instance the body of an upload; return its size."""
    opening, closing = builders.multipart(builders.part(b"\0")).split(b"\0")
    with body.open("wb") as stream, instance.open("rb") as source:
        stream.write(opening)
        shutil.copyfileobj(source, stream, 1024 * 1024)
        stream.write(closing)
        return stream.tell()


def _copied(endpoint: str) -> dict[str, float]:
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        config=Config(s3={"addressing_style": "path"}, read_timeout=600),
    )
    source: CopySourceTypeDef = {"Bucket": "bench-archive", "Key": "staging/1"}
    started = time.perf_counter()
    s3.copy_object(Bucket="bench-archive", Key="copy", CopySource=source)
    return {"wall": time.perf_counter() - started}


def _ingested(setting: Setting, endpoint: str, size: int, scratch: Path) -> dict[str, float]:
    deployment = setting.deployment
    out = scratch / "times.json"
    subprocess.run(
        [
            setting.python,
            "-P",
            Path(__file__).with_name("ingested.py"),
            "staging/1",
            str(size),
            builders.content_type(),
            out,
        ],
        env={
            **deployment.variables(endpoint),
            "TMPDIR": str(scratch),
            "UPLOAD_TABLE": "bench-uploads",
            "INGEST_STORAGE": "10240",
            "INGEST_QUEUE": "https://sqs.us-east-1.amazonaws.com/123456789012/bench",
            "MAX_INGEST_ATTEMPTS": "5",
            "VISIBILITY_TIMEOUT": "1000",
        },
        cwd=deployment.task,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    times: dict[str, float] = json.loads(out.read_text("utf-8"))
    return times

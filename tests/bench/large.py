"""The large path: ``stowport send``, ``relay`` and ingest, beside plain copies of the same bytes.

``client``: whole processes, from start to exit code, against a sink that takes and forgets. The
plain sender is boto3's PutObject with as many connections and the same files. ``service``: the same
to the whole local service, and PutObject to the S3 of that service. ``ingest``: a staged body of
one instance in a stand-in for S3 that moves every byte, and CopyObject of that body there.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tests import builders
from tests.bench import large_ingest, large_servers, processes
from tests.bench.figures import spread
from tests.bench.instances import SOP, ct_image, new_uids, pixels
from tests.bench.large_servers import Server
from tests.bench.setting import ROOT, Setting

CONNECTIONS = 4
"""As many as `stowport send` opens unless told otherwise."""

BYTES_A_SECOND = 90_000_000
"""What S3 moves for one request, by AWS's "Performance guidelines for Amazon S3"."""

FILES, LARGE_BYTES = 2000, 2_000_000_000
SHARE = 4
"""Of the files, the local service gets a share, because it takes ten times as long."""

ROUNDS = 3

Way = Callable[[], dict[str, float]]
"""Does it once; returns wall seconds, and CPU seconds by process."""

_FEWEST_FILES, _FEWEST_BYTES = 100, 64_000_000
_ROWS = 32_000
_PIXEL_DATA = b"\xe0\x7f\x10\x00OW\x00\x00"
_SHARED_MEMORY = Path("/dev/shm")


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
        result["ingest"] = large_ingest.measure(
            setting, folder / "fast", instance, setting.repeats(ROUNDS)
        )
        result["ingest at S3's rate"] = large_ingest.measure(
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
    with large_servers.sink() as server, large_servers.relay(server, folder) as relayed:
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
        with large_servers.local_service(folder / "running") as server:
            files = folder / what
            _warm_up(server, warm)
            ways: dict[tuple[str, str], Way] = {
                (what, "PutObject"): partial(_plain, server, files),
                (what, "send"): partial(_sent, server, files),
            }
            result |= _in_turns(ways, 1)
    with (
        large_servers.local_service(folder / "running") as server,
        large_servers.relay(server, folder) as relayed,
    ):
        _warm_up(server, warm)
        ways = {("small", "send through a relay"): lambda: _sent(relayed, folder / "small")}
        result["small"] |= _in_turns(ways, 1)["small"]
    return result


def _warm_up(server: Server, warm: Path) -> None:
    """Store an instance by a request and by an upload, so that each function has started."""
    for options in ((), ("--limit", "0.1MB")):
        _sent(server, warm, *options)


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
    if large_servers.FUNCTIONS in cpu:
        cpu[large_servers.FUNCTIONS] -= cpu[large_servers.AWS]
    return {"wall": wall, "sender": used.ru_utime + used.ru_stime, **cpu}

"""Processes of the benchmark: started, measured by /proc, and ended."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_ENDED = (FileNotFoundError, ProcessLookupError)


class NotHere(Exception):
    """Why something cannot be measured on this machine."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def started(
    command: Sequence[str], *, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run ``command`` with nothing but ``environment`` added; yield its process id."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process.pid
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for_port(port: int, seconds: float = 20) -> None:
    end_of_waiting = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end_of_waiting:
                raise
            time.sleep(0.05)
        else:
            return


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return the user and system time of the processes and of their children.

    Ended threads are included, and ended children once they were waited for.
    """
    return sum(_ticks(each) for pid in pids for each in (pid, *_children(pid))) / _TICKS


def _ticks(pid: int) -> int:
    with suppress(*_ENDED):  # a child, since it was found; its time is its parent's now
        stat = Path(f"/proc/{pid}/stat").read_text("ascii")
        return sum(int(field) for field in stat.rpartition(")")[2].split()[11:15])
    return 0


def _children(pid: int) -> Iterator[int]:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(*_ENDED):
            yield from map(int, (thread / "children").read_text("ascii").split())


def peak_bytes(pid: int) -> int:
    return _status(pid, "VmHWM")


def resident_bytes(pid: int) -> int:
    return _status(pid, "VmRSS")


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")


def _status(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    return int(found.group(1)) * 1024 if found else 0


def machine_busy_seconds() -> float:
    fields = [int(field) for field in Path("/proc/stat").read_text("ascii").split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICKS

"""The emulated AWS, in a process of its own: moto as ``make run`` has it, or MiniStack.

MiniStack verifies the checksum of what is put, and keeps its conditions when writes race; moto
does neither. Neither runs out of capacity.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from local import aws
from local.template import ACCOUNT
from tests.bench.processes import free_port

MINISTACK = Path(__file__).parents[2] / "build" / "emulator" / "bin" / "ministack"
"""What ``make emulator`` installs."""

_SECONDS_TO_START = 60


@contextmanager
def moto() -> Iterator[str]:
    """Run moto; give its endpoint URL. It checks the keys of the tests' deployment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "local")
        with aws.embedded(0) as url:
            yield url


@contextmanager
def ministack(services: str = "s3,dynamodb,sqs") -> Iterator[str]:
    """Run MiniStack on a free port of loopback, with ``services`` or all; give its endpoint URL."""
    port = free_port()
    with TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            **({"SERVICES": services} if services else {}),
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "LOG_LEVEL": "ERROR",
            "TMPDIR": folder,
        }
        process = subprocess.Popen(
            [MINISTACK], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()  # it would wait for its connections, and has nothing to save
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


BACKENDS: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "moto": moto,
    "ministack": ministack,
}

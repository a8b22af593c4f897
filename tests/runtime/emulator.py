"""A function under AWS's own runtime interface client and emulator, without a container."""

import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from local.template import Function
from tests.store.deployment import ROOT

RAPID = "lib/python3.*/site-packages/samcli/local/rapid"
PROCESSORS = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def emulator() -> Path:
    """Return the emulator's program, which comes with the SAM CLI."""
    name = f"aws-lambda-rie-{PROCESSORS[platform.machine()]}"
    found = list((ROOT / ".sam-venv").glob(f"{RAPID}/{name}"))
    assert found, f"{name} is not in .sam-venv: run `make sam`, which installs the SAM CLI there"
    return found[0]


@dataclass(frozen=True)
class Runtime:
    """A function that waits for events on loopback; its log is a file."""

    address: str
    log: Path

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the function's result, or its error as Lambda reports it."""
        url = f"http://{self.address}/2015-03-31/functions/function/invocations"
        with urlopen(Request(url, json.dumps(event).encode()), timeout=30) as response:
            result: dict[str, Any] = json.load(response)
        return result


@contextmanager
def running(
    function: Function, environment: Mapping[str, str], log: Path, *, seconds: float | None = None
) -> Iterator[Runtime]:
    """Run ``function`` with that environment alone; ``seconds`` is another timeout for it."""
    invocations, runtime_api = free_addresses()
    command = [
        str(emulator()),
        "--log-level=error",
        f"--runtime-interface-emulator-address={invocations}",
        f"--runtime-api-address={runtime_api}",
        *(sys.executable, "-m", "awslambdaric", function.handler),
    ]
    lambda_environment = {
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(int(seconds or function.timeout)),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        **environment,
    }
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            cwd=function.code,
            env=lambda_environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        ) as process,
    ):
        try:
            wait_for(invocations, process)
            yield Runtime(invocations, log)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def free_addresses() -> tuple[str, str]:
    """Return two loopback addresses that nothing listens on."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return f"127.0.0.1:{one.getsockname()[1]}", f"127.0.0.1:{two.getsockname()[1]}"


def wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    host, port = address.split(":")
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            assert process.poll() is None, "the emulator has ended: see its log"
            assert time.monotonic() < end, "the emulator does not listen"
            time.sleep(0.02)
        else:
            return

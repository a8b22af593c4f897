"""A relay in a process of its own, as ``stowport relay`` starts it, or in a thread of the test."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from stowport.arguments import parser
from stowport.reaching import transport_to
from stowport.relay import log
from stowport.relay.command import prepared
from stowport.relay.server import Server
from tests import answers, builders
from tests.answers import Answer
from tests.service import ROOT

_SECONDS = 60
_ANSWER_SECONDS = 600
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SomeRelay:
    url: str

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return str(parts.hostname), int(parts.port or 0)

    def post(
        self,
        body: bytes | Iterable[bytes],
        path: str = "/studies",
        content_type: str = builders.content_type(),
        method: str = "POST",
        **headers: str,
    ) -> Answer:
        """Send a request; an iterable goes in chunks."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(HTTPConnection(*self.address, timeout=_ANSWER_SECONDS)) as connection:
            connection.request(method, path, body, {"Content-Type": content_type, **fields})
            return answers.read(connection.getresponse())

    def get(self, path: str, **headers: str) -> Answer:
        return self.post(b"", path, method="GET", **headers)

    def store(self, *contents: bytes, path: str = "/studies", **headers: str) -> Answer:
        return self.post(builders.multipart(*map(builders.part, contents)), path, **headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRelay(SomeRelay):
    process: subprocess.Popen[str]

    def anonymous_memory(self) -> int:
        """Return the bytes that are resident and no pages of a file."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        found = {name: int(size) for name, size in re.findall(r"(\w+):\s+(\d+) kB", status)}
        return found["RssAnon"] * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRelay(SomeRelay):
    """A relay in a thread of the test's process; ``lines`` are those of its log."""

    server: Server
    lines: list[dict[str, Any]]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in list(self.lines) if line.get("event") == name]

    def lines_of_requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "event" not in line]


@contextmanager
def serve(url: str, *arguments: str) -> Iterator[ServedRelay]:
    """Serve a relay in a thread."""
    lines: list[dict[str, Any]] = []
    chosen = parser().parse_args(["relay", "--listen", "127.0.0.1:0", "--url", url, *arguments])
    connection = transport_to(chosen, chosen.parallel, tries=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "write", lambda **fields: lines.append(fields))
        server, listener = prepared(chosen, connection)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        url = lines[0]["url"].removesuffix("/studies")
        relay = ServedRelay(url=url, server=server, lines=lines)
        try:
            until(lambda: relay.events("target"))
            yield relay
        finally:
            server.should_exit = True
            thread.join(_SECONDS)
            assert not thread.is_alive()


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition; fail if it does not come."""
    end = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@contextmanager
def start(url: str, *arguments: str) -> Iterator[RunningRelay]:
    command = [sys.executable, "-m", "stowport", "relay", "--listen", "127.0.0.1:0", "--url", url]
    with subprocess.Popen(
        [*command, *arguments],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'client'}:{ROOT / 'functions'}"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        listening, target = (json.loads(process.stdout.readline()) for _ in range(2))
        assert target["event"] == "target"
        yield RunningRelay(url=listening["url"].removesuffix("/studies"), process=process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=_SECONDS)
        assert process.returncode == 0

"""A relay in a process of its own, as ``stowport relay`` starts it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests import answers, builders
from tests.answers import Answer
from tests.service import ROOT

_SECONDS = 60
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRelay:
    url: str
    process: subprocess.Popen[str]

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
        with closing(HTTPConnection(*self.address, timeout=_SECONDS)) as connection:
            connection.request(method, path, body, {"Content-Type": content_type, **fields})
            return answers.read(connection.getresponse())

    def store(self, *contents: bytes, path: str = "/studies", **headers: str) -> Answer:
        return self.post(builders.multipart(*map(builders.part, contents)), path, **headers)

    def anonymous_memory(self) -> int:
        """Return the bytes that are resident and no pages of a file."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        found = {name: int(size) for name, size in re.findall(r"(\w+):\s+(\d+) kB", status)}
        return found["RssAnon"] * 1024


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

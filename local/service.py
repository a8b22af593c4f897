"""Where the running local service is, for the other commands: ``.stowport/service.json``."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

STATE = Path(".stowport")
SAMPLE = files("pydicom") / "data" / "test_files" / "CT_small.dcm"
_FILE = "service.json"


class NotRunning(Exception):
    """No local service runs with this state directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running local service: its base URL, its S3 and DynamoDB, its bucket and table.

    ``audit_trail`` is empty if it has no audit trail.
    """

    base_url: str
    endpoint: str
    bucket: str
    table: str
    authentication: str
    audit_trail: str = ""


@contextmanager
def announced(service: Service) -> Iterator[None]:
    """Let other processes find ``service`` for as long as this one runs."""
    STATE.mkdir(exist_ok=True)
    path = STATE / _FILE
    content = json.dumps({**asdict(service), "pid": os.getpid()})
    path.write_text(content, "utf-8")
    try:
        yield
    finally:
        # A service that was started later may have replaced the file by its own.
        if path.read_text("utf-8") == content:
            path.unlink()


def running() -> Service:
    """Return the service that was started last.

    Raises
    ------
    NotRunning
        None is running.
    """
    try:
        content = json.loads((STATE / _FILE).read_text("utf-8"))
        os.kill(content.pop("pid"), 0)
    except (FileNotFoundError, ProcessLookupError):
        raise NotRunning("no local service is running: start one with make run") from None
    return Service(**content)

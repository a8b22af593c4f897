"""The peers: other STOW servers that can be had, each in a network namespace of its own.

Both bind addresses beyond the loopback and have no option against it; in their own namespace
nobody else reaches them. They keep what they store on tmpfs and do not sync it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench import processes

_MEMORY = Path("/dev/shm")
_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_ORTHANC_URL = "http://127.0.0.1:8042/dicom-web/studies"
_TINY_PACS_URL = "http://127.0.0.1:11113/dicomweb/studies"
_ORTHANC = {
    "Name": "bench",
    "HttpPort": 8042,
    "DicomServerEnabled": False,
    "RemoteAccessAllowed": False,
    "AuthenticationEnabled": False,
    "KeepAlive": True,
    "TcpNoDelay": True,
    "OverwriteInstances": False,
    "SyncStorageArea": False,
    "Plugins": [str(_PLUGIN)],
}
_TINY_PACS = {
    "Database": {"on": True},  # SQLite in memory
    "HttpServer": {"on": True, "port": 11113},
    "DICOMWeb": {"on": True},
}
_QUIET = {"version": 1, "disable_existing_loggers": False, "root": {"level": "ERROR"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A running server: its store URL, its process, and what goes before a command to reach it."""

    url: str
    pid: int
    inside: Sequence[str]


class NotHere(Exception):
    """Why a peer cannot be measured on this machine."""


@contextmanager
def orthanc() -> Iterator[Peer]:
    """Run Debian's Orthanc with its DICOMweb plugin."""
    program = shutil.which("Orthanc")
    if not program or not _PLUGIN.exists():
        raise NotHere("Orthanc and its DICOMweb plugin are not installed")
    with _folder() as folder:
        config = {**_ORTHANC, "StorageDirectory": str(folder), "IndexDirectory": str(folder)}
        (folder / "orthanc.json").write_text(json.dumps(config), "utf-8")
        with _running([program, str(folder / "orthanc.json")], _ORTHANC_URL, folder) as peer:
            yield peer


@contextmanager
def tiny_pacs(program: Path) -> Iterator[Peer]:
    """Run tiny-pacs, which is Python as well."""
    if not program.exists():
        raise NotHere("tiny-pacs is not installed")
    with _folder() as folder:
        components = {
            **_TINY_PACS,
            "FileStorage": {"on": True, "storage_dir": str(folder / "files")},
        }
        config = {"log": _QUIET, "components": components}
        (folder / "config.yaml").write_text(json.dumps(config), "utf-8")
        command = [str(program), "run", "-c", str(folder / "config.yaml")]
        with _running(command, _TINY_PACS_URL, folder) as peer:
            yield peer


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as name:
        yield Path(name)


@contextmanager
def _running(command: Sequence[str], url: str, folder: Path) -> Iterator[Peer]:
    if not all(shutil.which(tool) for tool in ("unshare", "nsenter", "ip")):
        raise NotHere("it needs a network namespace of its own: unshare, nsenter and ip")
    namespace = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    script = 'ip link set lo up && exec "$@"'
    started = processes.started([*namespace, "sh", "-c", script, "sh", *command], cwd=folder)
    with started as pid:
        inside = ["nsenter", f"--net=/proc/{pid}/ns/net"]
        if os.geteuid() != 0:
            inside += [f"--user=/proc/{pid}/ns/user", "--preserve-credentials"]
        peer = Peer(url=url, pid=pid, inside=inside)
        _wait(peer)
        yield peer


def _wait(peer: Peer) -> None:
    address = urlsplit(peer.url)
    connect = f"import socket; socket.create_connection(({address.hostname!r}, {address.port}))"
    probe = [sys.executable, "-c", connect]
    for _ in range(200):
        answered = subprocess.run([*peer.inside, *probe], check=False, capture_output=True)
        if answered.returncode == 0:
            return
        time.sleep(0.1)
    raise NotHere("it did not start: a namespace of its own needs root, or user namespaces")

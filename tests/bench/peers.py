"""The peers: other STOW servers that can be had, each in a network namespace of its own.

They bind addresses beyond the loopback and have no option against it; in their own namespace
nobody else reaches them. They keep what they store on tmpfs and do not sync it, except Orthanc with
PostgreSQL: both keep it on a disk and sync it, as they do unless they are told otherwise.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench import postgresql, processes
from tests.bench.processes import NotHere

_MEMORY = Path("/dev/shm")
_DISK = Path("/var/tmp")
_PLUGINS = Path("/usr/share/orthanc/plugins")
_DICOMWEB = _PLUGINS / "libOrthancDicomWeb.so"
_POSTGRESQL_INDEX = _PLUGINS / "libOrthancPostgreSQLIndex.so"
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
}
_TINY_PACS = {
    "Database": {"on": True},  # SQLite in memory
    "HttpServer": {"on": True, "port": 11113},
    "DICOMWeb": {"on": True},
}
_QUIET = {"version": 1, "disable_existing_loggers": False, "root": {"level": "ERROR"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A running server: its store URL, its processes, and what goes before a command to reach it.

    Its children count as its own.
    """

    url: str
    pids: Sequence[int]
    inside: Sequence[str]


@contextmanager
def orthanc() -> Iterator[Peer]:
    """Run Debian's Orthanc with its DICOMweb plugin."""
    with _folder(_MEMORY) as folder:
        chosen = {
            "IndexDirectory": str(folder),
            "SyncStorageArea": False,
            "Plugins": [str(_DICOMWEB)],
        }
        with _orthanc(folder, chosen) as peer:
            yield peer


@contextmanager
def orthanc_with_postgresql() -> Iterator[Peer]:
    """Run it with an index in PostgreSQL, which is reached by a socket in the file system."""
    if not _POSTGRESQL_INDEX.exists():
        raise NotHere("its plugin for PostgreSQL is not installed")
    with _folder(_DISK) as folder, postgresql.running(folder) as database:
        chosen = {
            "Plugins": [str(_DICOMWEB), str(_POSTGRESQL_INDEX)],
            "PostgreSQL": {
                "EnableIndex": True,
                "EnableStorage": False,
                "Host": str(database.socket),
                "Database": postgresql.NAME,
                "Username": postgresql.NAME,
                "Password": "",
            },
        }
        with _orthanc(folder, chosen) as peer:
            yield replace(peer, pids=[*peer.pids, database.pid])


@contextmanager
def _orthanc(folder: Path, chosen: Mapping[str, object]) -> Iterator[Peer]:
    program = shutil.which("Orthanc")
    if not program or not _DICOMWEB.exists():
        raise NotHere("Orthanc and its DICOMweb plugin are not installed")
    config = {**_ORTHANC, "StorageDirectory": str(folder / "storage"), **chosen}
    (folder / "orthanc.json").write_text(json.dumps(config), "utf-8")
    with _running([program, str(folder / "orthanc.json")], _ORTHANC_URL, folder) as peer:
        yield peer


@contextmanager
def tiny_pacs(program: Path) -> Iterator[Peer]:
    """Run tiny-pacs, which is Python as well."""
    if not program.exists():
        raise NotHere("tiny-pacs is not installed")
    with _folder(_MEMORY) as folder:
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
def _folder(place: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=place if place.is_dir() else None) as name:
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
        peer = Peer(url=url, pids=[pid], inside=inside)
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

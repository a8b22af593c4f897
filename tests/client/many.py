"""Send many small instances, and measure the memory of ``stowport send``: `make send-many`.

The server is that of the tests, in a process of its own. The folder is sent twice: the second time
the journal holds all of it.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from tests.builders import instance, sop_uid
from tests.client.stub import serving
from tests.service import ROOT

FEW = 500
ALLOWED = 12_000
"""Kilobytes that many files may take in addition to what a few take."""

MEASURED = """
import resource, sys
from stowport.command import main
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
sys.stderr.write(f"{used.ru_maxrss} {used.ru_utime:.0f}")
sys.exit(code)
"""
SHELL = ["sh", "-c", '"$@"; exit $?', "sh"]
"""Starts the program: Linux counts the memory of a parent that is large as that of its child."""

_FIRST = 1_000_000


def main() -> int:
    """Print a line for each send, and return 1 if memory grows with the number of files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=int, nargs="?", default=50_000)
    files = parser.parse_args().files
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    url = ours.recv()
    _say("files    stored  before  peak MB  CPU s")
    with tempfile.TemporaryDirectory() as folder:
        few = _measured(_written(Path(folder) / "few", FEW), Path(folder) / "state-few", url)
        path = _written(Path(folder) / "many", files)
        many = [_measured(path, Path(folder) / "state", url) for _ in range(2)]
    ours.send(None)
    server.join()
    return int(max(many) > few + ALLOWED)


def _serve(pipe: Connection) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener, serving(listener) as stub:
        pipe.send(stub.url)
        pipe.recv()


def _written(folder: Path, number: int) -> Path:
    folder.mkdir()
    template, uid = instance(number=_FIRST), sop_uid(number=_FIRST)
    for each in range(_FIRST, _FIRST + number):
        own = sop_uid(number=each)
        (folder / f"{own}.dcm").write_bytes(template.replace(uid.encode(), own.encode()))
    return folder


def _measured(folder: Path, state: Path, url: str) -> int:
    """Send a folder, print what it took, and return the peak of memory in kilobytes."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'client'}:{ROOT / 'functions'}",
        "XDG_STATE_HOME": str(state),
    }
    command = [*SHELL, sys.executable, "-c", MEASURED, "send", "--json", str(folder), "--url", url]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"found exit code {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")
    result = json.loads(done.stdout)
    stored, before = len(result["stored"]), len(result["storedBefore"])
    kilobytes, seconds = done.stderr.split()
    found = len(list(folder.iterdir()))
    if stored + before != found:
        sys.exit(f"found {stored + before} files, expected {found}")
    _say(f"{found:<8} {stored:<7} {before:<7} {int(kilobytes) / 1000:<8.0f} {seconds}")
    return int(kilobytes)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

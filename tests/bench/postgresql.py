"""PostgreSQL as Debian packages it, with a new cluster in a folder and its settings as they are.

It refuses to run as root, so it then runs as the user ``postgres`` of Debian's package. Nobody
reaches it but by a socket in the file system, where it trusts everyone who gets there.
"""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import processes
from tests.bench.processes import NotHere

NAME = "orthanc"
"""The database and its owner."""

_USER = "postgres"
_VERSIONS = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A running server: the folder of its socket, and its first process."""

    socket: Path
    pid: int


@contextmanager
def running(folder: Path) -> Iterator[Database]:
    """Run it in ``folder``, which its user gets."""
    programs = sorted(_VERSIONS.glob("*/bin"), key=lambda path: int(path.parent.name))
    if not programs:
        raise NotHere("PostgreSQL is not installed")
    cluster, user = folder / "cluster", _as_its_user(folder)
    make = ["initdb", "--auth=trust", f"--username={NAME}", "--no-sync", f"--pgdata={cluster}"]
    _run(user, programs[-1], make)
    command = [programs[-1] / "postgres", "-D", cluster, "-k", folder, "-c", "listen_addresses="]
    with processes.started([*user, *map(str, command)], cwd=folder) as pid:
        reach = [f"--host={folder}", f"--username={NAME}"]
        _wait(programs[-1], reach)
        _run(user, programs[-1], ["createdb", *reach, NAME])
        yield Database(socket=folder, pid=pid)


def _as_its_user(folder: Path) -> Sequence[str]:
    """Return what goes before a command for it to run as a user that is not root."""
    if os.geteuid() != 0:
        return []
    try:
        user = pwd.getpwnam(_USER)
    except KeyError:
        raise NotHere(f"PostgreSQL needs a user that is not root: {_USER}") from None
    if not shutil.which("setpriv"):
        raise NotHere("running PostgreSQL as another user needs setpriv")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={_USER}", f"--regid={user.pw_gid}", "--clear-groups"]


def _run(user: Sequence[str], programs: Path, command: Sequence[str]) -> None:
    done = subprocess.run(
        [*user, str(programs / command[0]), *command[1:]],
        cwd="/",
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise NotHere(f"{command[0]} of PostgreSQL failed: {done.stderr.strip()[-200:]}")


def _wait(programs: Path, reach: Sequence[str]) -> None:
    for _ in range(200):
        ready = [str(programs / "pg_isready"), *reach]
        if subprocess.run(ready, check=False, capture_output=True).returncode == 0:
            return
        time.sleep(0.1)
    raise NotHere("PostgreSQL did not start")

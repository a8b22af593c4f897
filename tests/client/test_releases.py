"""What is released: a wheel and an sdist, which install and work without the repository."""

import os
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest

import stowport
from tests.builders import instance
from tests.client.stub import Stub
from tests.service import ROOT

pytestmark = pytest.mark.process

CLIENT = ROOT / "client"


class Release(NamedTuple):
    sdist: Path
    wheel: Path


def run(*command: object, cwd: Path) -> str:
    """Run a command without the repository on Python's path; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Build as for a release: the wheel is made from the sdist, and not from the clone."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, CLIENT, cwd=folder)
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return Release(sdist, wheel)


@pytest.fixture(scope="module")
def installed(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of a new environment into which the sdist was installed."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    packages = run(
        programs / "python", "-c", "import sysconfig as s; print(s.get_path('purelib'))", cwd=folder
    )
    # What the client depends on is taken from here: the tests need no network.
    line = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    Path(packages.strip(), "dependencies.pth").write_text(line, "utf-8")
    options = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation")
    pip = (sys.executable, "-m", "pip", "--python", programs / "python")
    run(*pip, "install", *options, release.sdist, cwd=folder)
    return programs


def sources(root: Path, package: str) -> set[str]:
    return {
        f"{package}/{path.relative_to(root / package).as_posix()}"
        for path in (root / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def test_wheel_and_sdist_hold_the_client_and_the_protocol(release: Release) -> None:
    expected = sources(CLIENT, "stowport") | sources(ROOT / "functions", "dicomweb")
    with ZipFile(release.wheel) as wheel:
        packed = set(wheel.namelist())
        (metadata,) = (wheel.read(name).decode() for name in packed if name.endswith("/METADATA"))
    assert {name for name in packed if ".dist-info/" not in name} == expected
    with tarfile.open(release.sdist) as sdist:
        base = release.sdist.name.removesuffix(".tar.gz")
        found = {each.name.removeprefix(f"{base}/") for each in sdist.getmembers()}
    assert found - expected <= {
        *("LICENSE", "README.md", "PKG-INFO", "pyproject.toml", "hatch_build.py", ".gitignore")
    }
    assert expected <= found
    assert f"Version: {stowport.__version__}\n" in metadata
    assert "Provides-Extra: aws\n" in metadata


def test_what_the_sdist_installs_sends_without_the_repository(
    installed: Path, stub: Stub, tmp_path: Path
) -> None:
    (tmp_path / "a.dcm").write_bytes(instance(1))
    version = run(installed / "stowport", "--version", cwd=tmp_path)
    assert version == f"stowport {stowport.__version__}\n"
    run(installed / "stowport", "send", "a.dcm", "--url", stub.url, cwd=tmp_path)
    assert len(stub.digests) == 1
    place = run(
        installed / "python", "-c", "import dicomweb; print(dicomweb.__file__)", cwd=tmp_path
    )
    assert Path(place.strip()).is_relative_to(installed.parent)

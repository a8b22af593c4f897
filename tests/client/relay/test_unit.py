"""The files with which the relay is a service of systemd."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stowport.arguments import parser
from stowport.relay import server
from tests.service import ROOT

SYSTEMD = ROOT / "client" / "systemd"
EXPOSURE = 15
"""Tenths of what ``systemd-analyze security`` says; it counts the network, which is the purpose."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Return the unit with a program that is there."""
    unit = tmp_path / "stowport-relay.service"
    content = (SYSTEMD / unit.name).read_text("ascii")
    assert "ExecStart=/opt/stowport/bin/stowport relay --config" in content
    unit.write_text(content.replace("/opt/stowport/bin/stowport", sys.executable), "ascii")
    return unit


def analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.process
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    verified = analyzed("verify", str(unit))
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


@pytest.mark.process
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_unit_leaves_the_relay_little_but_the_network(unit: Path) -> None:
    judged = analyzed("security", "--offline=true", f"--threshold={EXPOSURE}", str(unit))
    assert judged.returncode == 0, judged.stdout


def test_the_unit_waits_for_what_is_under_way() -> None:
    content = (SYSTEMD / "stowport-relay.service").read_text("ascii")
    stop = next(line for line in content.splitlines() if line.startswith("TimeoutStopSec="))
    assert int(stop.partition("=")[2]) > server._FINISH_SECONDS
    assert f"kill -{signal.SIGHUP.name.removeprefix('SIG')} " in content


def test_the_example_of_a_configuration_is_one(tmp_path: Path) -> None:
    for comment in ("", "# "):
        content = (SYSTEMD / "relay.toml").read_text("ascii").replace(f"{comment}host =", "host =")
        for path in ("/var/cache/stowport-relay", "/etc/stowport"):
            content = content.replace(path, str(tmp_path))
        place = tmp_path / "relay.toml"
        place.write_text(content, "ascii")
        chosen = parser().parse_args(["relay", "--config", str(place)])
        assert chosen.listen == ("0.0.0.0", 8104)
        assert chosen.spool == tmp_path
    assert chosen.host == ["relay.example.org"]

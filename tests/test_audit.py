"""What `make audit` and `make secrets` find, and what they say if they cannot look."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy import audit

ROOT = Path(__file__).parent.parent
LIST = """
first==1.0 \\
    --hash=sha256:00
    # via second
second[extra]==2.0 ; python_full_version < '3.12' \\
    --hash=sha256:00
second[extra]==2.1 ; python_full_version >= '3.12' \\
    --hash=sha256:00
"""


class Service:
    """Stands in for pip-audit: what it is asked, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.known: dict[str, list[dict[str, Any]]] = {}
        self.stderr = ""

    def __call__(self, command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        pins = Path(command[-1]).read_text().splitlines()
        self.asked.append(pins)
        if self.stderr:
            return subprocess.CompletedProcess(command, 1, "", self.stderr)
        packages = [self.about(*pin.split("==")) for pin in pins]
        return subprocess.CompletedProcess(command, 0, json.dumps({"dependencies": packages}))

    def about(self, name: str, version: str) -> dict[str, Any]:
        if name not in self.known:
            return {"name": name, "skip_reason": "Dependency not found on PyPI"}
        return {"name": name, "version": version, "vulns": self.known[name]}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()
    monkeypatch.setattr("deploy.audit.subprocess.run", service)
    return service


@pytest.fixture
def pinned(tmp_path: Path) -> list[str]:
    (tmp_path / "one.txt").write_text(LIST)
    (tmp_path / "two.txt").write_text("first==1.0 \\\n    --hash=sha256:00\n")
    return [str(tmp_path / "one.txt"), str(tmp_path / "two.txt")]


def test_each_version_is_asked_for_once_and_a_package_once_at_a_time(
    service: Service, pinned: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    service.known = {"first": [], "second": []}
    assert audit.main(pinned) == 0
    assert service.asked == [["first==1.0", "second==2.0"], ["second==2.1"]]
    assert capsys.readouterr().out == "audit: 3 packages checked, 0 not, 0 found\n"


def test_a_known_vulnerability_fails(
    service: Service, pinned: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    service.known = {
        "first": [{"id": "PYSEC-1", "fix_versions": ["1.1", "2.0"]}, {"id": "PYSEC-2"}],
        "second": [],
    }
    assert audit.main(pinned) == 1
    assert capsys.readouterr().out.splitlines() == [
        "audit: first 1.0: PYSEC-1, fixed in 1.1, 2.0",
        "audit: first 1.0: PYSEC-2, fixed in no version yet",
        "audit: 3 packages checked, 0 not, 2 found",
    ]


def test_what_is_not_on_pypi_is_counted(
    service: Service, pinned: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    service.known = {"second": []}
    assert audit.main(pinned) == 0
    assert capsys.readouterr().out == "audit: 2 packages checked, 1 not, 0 found\n"


@pytest.mark.parametrize(
    ("stderr", "why"),
    [
        ("", "PyPI's vulnerability service knows none of 2 packages here"),
        ("Traceback\nConnectionError: no route", "pip-audit got no answer (ConnectionError: no"),
    ],
)
def test_a_service_that_does_not_answer_is_said_in_one_line_and_fails_nothing(
    service: Service,
    pinned: list[str],
    capsys: pytest.CaptureFixture[str],
    stderr: str,
    why: str,
) -> None:
    service.stderr = stderr
    assert audit.main(pinned) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"audit: NOT checked for known vulnerabilities: {why}")
    assert len(service.asked) == 1


def test_a_service_that_falls_silent_takes_nothing_back(
    service: Service, pinned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    service.known = {"first": [{"id": "PYSEC-1"}]}
    monkeypatch.setattr(audit, "_batches", lambda _: iter([["first==1.0"], ["second==2.0"]]))
    assert audit.main(pinned) == 1


PLANTED = {
    "a key of AWS": "key = 'AKIA" + "QYLPMN5HHHFPZAM2'",
    "a private key": "-----BEGIN RSA PRIVATE " + "KEY-----",
    "a password": "password = 'correct-horse-" + "battery'",
    "credentials in a URL": "archive = https://user:hunter" + "22@archive.example.org/",
}


@pytest.mark.process
def test_planted_secrets_are_found_and_nothing_else(tmp_path: Path) -> None:
    """In a clone of its own, with the Makefile and the tools of this one."""
    (tmp_path / ".audit-venv").symlink_to(ROOT / ".audit-venv")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "deploy").mkdir()
    for name in ("Makefile", "requirements/audit.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    for path in (ROOT / "deploy").glob("*.mk"):
        shutil.copy(path, tmp_path / "deploy")
    for number, text in enumerate(PLANTED.values()):
        (tmp_path / f"planted-{number}.py").write_text(f"{text}\n")
    (tmp_path / "innocent.py").write_text(
        "AWS_SECRET_ACCESS_KEY = 'testing'\nuid = '1.2.840.10008'\n"
    )
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    command = ["make", "--silent", "--old-file=.audit-venv/installed", "secrets"]
    done = subprocess.run(
        command, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    found = {
        line.split()[-1].split(":")[0] for line in done.stdout.splitlines() if "Location" in line
    }
    assert found == {f"planted-{number}.py" for number in range(len(PLANTED))}

"""What is installed, and what a terminal shows."""

import ast
import re
import subprocess
import sys
import tomllib
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import stowport
from stowport.command import main
from stowport.progress import metered
from tests.service import ROOT

CLIENT = ROOT / "client"
FUNCTIONS = ROOT / "functions"
CHANGELOG = ROOT / "CHANGELOG.md"


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    modules = {each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
    for each in ast.walk(tree):
        if isinstance(each, ast.Import):
            modules |= {alias.name for alias in each.names}
    return {module.partition(".")[0] for module in modules}


def test_the_client_uses_the_protocol_and_nothing_else_of_the_functions() -> None:
    rooms = {path.name for path in FUNCTIONS.iterdir() if path.is_dir()}
    used = set.union(*(imported(path) for path in (CLIENT / "stowport").rglob("*.py")))
    assert used & rooms == {"dicomweb"}


def test_the_package_holds_and_asks_for_all_that_it_imports() -> None:
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text("utf-8"))
    sources = [*(CLIENT / "stowport").rglob("*.py"), *(FUNCTIONS / "dicomweb").rglob("*.py")]
    used = set.union(*map(imported, sources))
    optional = project["project"]["optional-dependencies"]["aws"]
    asked = {
        each.partition(">")[0].replace("-", "_")
        for each in project["project"]["dependencies"] + optional
    }
    # Pillow is for the images of metadata, which the client leaves to the service.
    assert used - sys.stdlib_module_names - {"stowport", "dicomweb", "PIL"} == asked


@pytest.mark.process
def test_a_command_starts_without_the_modules_that_few_files_need() -> None:
    code = "import sys, stowport.command; print(*sys.modules)"
    variables = {"PYTHONPATH": f"{ROOT / 'client'}:{ROOT / 'functions'}"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True
    )
    found = {"stowport.dicomdir", "stowport.filemeta", "stowport.signing"} & {*done.stdout.split()}
    assert found == set()


def test_the_package_says_that_it_is_typed() -> None:
    assert (CLIENT / "stowport" / "py.typed").exists()
    assert (FUNCTIONS / "dicomweb" / "py.typed").exists()


def test_a_terminal_shows_instances_bytes_rate_and_time_left() -> None:
    screen = StringIO()
    with metered(Console(file=screen, force_terminal=True, width=120), 7, 5_000_000) as meter:
        meter.count(2_500_000)
        meter.done(3)
    shown = screen.getvalue()
    assert "3/7 instances" in shown
    assert "2.5/5.0 MB" in shown


def test_no_terminal_shows_nothing() -> None:
    screen = StringIO()
    with metered(Console(file=screen), 1, 1) as meter:
        meter.done(1)
    assert screen.getvalue().strip() == ""


def test_the_command_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"stowport {stowport.__version__}\n"


def test_the_package_is_of_the_version_that_the_changelog_has_last() -> None:
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"] == {"path": "stowport/__init__.py"}
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", CHANGELOG.read_text("utf-8"), re.MULTILINE)
    assert versions[0] == stowport.__version__

"""What `sam build` makes of this tree. It needs a Python 3.13 with pip, as any deployment does."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local.intrinsics import parse
from tests.template.parts import FUNCTIONS

pytestmark = pytest.mark.process

ROOT = Path(__file__).parent.parent
LAYERS = {"DependenciesLayerArm64": 183, "DependenciesLayerX8664": 62}
"""The layers, with the number by which ELF calls the processor each is for."""

IMPORT = """
import importlib, json, sys
sys.path[:0] = sys.argv[2:]
importlib.import_module(sys.argv[1])
modules = sys.modules.items()
print(json.dumps({name: str(getattr(module, "__file__", "")) for name, module in modules}))
"""


def make(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run build.mk as a person does, whatever `make` this test itself runs under."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        [shutil.which("make") or "make", "--silent", "-f", "build.mk", *arguments],
        cwd=ROOT,
        env=outside | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def program(path: Path, exit_status: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {exit_status}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one build of a run: a file of tests that start processes is one worker's."""
    folder = tmp_path_factory.mktemp("sam") / "build"
    done = make("build", f"BUILD_DIR={folder}", "SAM_BUILD_FLAGS=--no-cached")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def python() -> str:
    done = make("python3.13")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_template_passes_sam_validate_and_cfn_lint() -> None:
    done = make("validate")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def built_with_snapshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("snapshots") / "build"
    # One function is enough: the template is whole.
    flags = "AuthorizerFunction --no-cached"
    done = make("build", "SNAPSTART=on", f"BUILD_DIR={folder}", f"SAM_BUILD_FLAGS={flags}")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize(
    ("made", "aliases"), [("built", []), ("built_with_snapshots", ["live", "live"])]
)
def test_snapshots_are_built_when_they_are_asked_for(
    request: pytest.FixtureRequest, made: str, aliases: list[str]
) -> None:
    folder: Path = request.getfixturevalue(made)
    resources = parse((folder / "template.yaml").read_text())["Resources"]
    properties = [each.get("Properties", {}) for each in resources.values()]
    assert [each["AutoPublishAlias"] for each in properties if "AutoPublishAlias" in each] == (
        aliases
    )
    built = resources["AuthorizerFunction"]["Properties"]["CodeUri"]
    assert (folder / built / "authorizer" / "handler.py").is_file()


def test_snapshots_asked_for_in_another_word_are_not_silently_left_out() -> None:
    done = make("build", "SNAPSTART=true")
    assert done.returncode != 0
    assert 'SNAPSTART is on or off, not "true"' in done.stderr


def test_a_python_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "shims" / "python3.13", exit_status=127)
    works = program(tmp_path / ".pyenv/versions/3.13.9/bin/python3.13", exit_status=0)
    (tmp_path / "shims" / "which").symlink_to(shutil.which("which") or "")
    done = make("python3.13", HOME=str(tmp_path), PATH=str(tmp_path / "shims"))
    assert done.stdout == f"{works}\n"


def test_without_python_3_13_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "which").symlink_to(shutil.which("which") or "")
    done = make("build", HOME=str(tmp_path), PATH=str(tmp_path))
    assert done.returncode != 0
    assert "A Python 3.13 with pip is needed" in done.stderr


def files(folder: Path) -> set[Path]:
    """The files below ``folder`` that somebody wrote, by their place in it."""
    found = (each.relative_to(folder) for each in folder.rglob("*") if each.is_file())
    return {each for each in found if "__pycache__" not in each.parts}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_its_source_and_nothing_else(built: Path, function: str) -> None:
    assert files(built / function) == files(ROOT / "functions") - {Path("Makefile")}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_starts_from_the_build_alone(built: Path, python: str, function: str) -> None:
    module = FUNCTIONS[function]["Handler"].rpartition(".")[0]
    code, layer = built / function, built / "DependenciesLayerX8664" / "python"
    # Neither the environment (-I) nor the packages installed beside this Python (-S).
    done = subprocess.run(
        [python, "-I", "-S", "-B", "-c", IMPORT, module, code, layer],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded: dict[str, str] = json.loads(done.stdout)
    assert loaded[module].startswith(f"{code}/")
    assert loaded["aws_lambda_powertools"].startswith(f"{layer}/")
    assert not {"numpy", "requests", "aws_xray_sdk"} & set(loaded)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_holds_what_is_pinned_and_no_more(built: Path, layer: str) -> None:
    pins = (ROOT / "layers/dependencies/requirements.txt").read_text()
    pinned = {
        re.sub(r"[-_.]+", "_", name).lower() for name in re.findall(r"(?m)^([\w.-]+)==", pins)
    }
    shipped = (built / layer / "python").glob("*.dist-info")
    assert {each.name.split("-")[0].lower() for each in shipped} == pinned
    assert "boto3" in pinned
    assert "numpy" not in pinned


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_is_compiled_for_its_processor(built: Path, layer: str) -> None:
    compiled = list((built / layer).rglob("*.so"))
    assert compiled
    machines = {int.from_bytes(each.read_bytes()[18:20], "little") for each in compiled}
    assert machines == {LAYERS[layer]}


@pytest.mark.parametrize("part", [*FUNCTIONS, *LAYERS])
def test_every_module_has_bytecode_that_lambda_need_not_check(built: Path, part: str) -> None:
    modules = list((built / part).rglob("*.py"))
    assert modules
    for module in modules:
        bytecode = (module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc").read_bytes()
        assert bytecode[4:8] == b"\x01\0\0\0"  # PEP 552: by hash, unchecked
        assert str(ROOT).encode() not in bytecode

"""What `make build` and `sam build` make of this tree, with a Python 3.13 and without one."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from local.intrinsics import parse
from tests.template.parts import FUNCTIONS

pytestmark = pytest.mark.process

ROOT = Path(__file__).parent.parent
AARCH64, X86_64 = 183, 62
"""The numbers by which ELF calls processors."""

LAYERS = {
    "AuthorizerLayerArm64": AARCH64,
    "AuthorizerLayerX8664": X86_64,
    "DependenciesLayerArm64": AARCH64,
    "DependenciesLayerX8664": X86_64,
}

MEGABYTES = {"Authorizer": 25, "Dependencies": 60}
"""How large each layer may be, unzipped."""

MAKE = shutil.which("make") or "make"
SAM = ROOT / ".sam-venv" / "bin" / "sam"
TOOLS = ["cp", "find", "make", "mkdir", "mv", "rm", "sed", "which", "xargs"]
"""What the recipes call, besides a Python."""

NO_BYTECODE = "there is no bytecode in this build: a cold start takes 1.2 s instead of 0.4 s"

IMPORT = """
import importlib, json, sys
sys.path[:0] = sys.argv[2:]
importlib.import_module(sys.argv[1])
modules = sys.modules.items()
print(json.dumps({name: str(getattr(module, "__file__", "")) for name, module in modules}))
"""


def run(
    *command: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command as a person does, whatever `make` this test itself runs under."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        command,
        cwd=cwd,
        env={**outside, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def make(
    *arguments: str, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return run(
        MAKE, "--silent", "-f", "deploy/build.mk", *arguments, cwd=cwd, environment=environment
    )


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with a Python, and no python3.13, pyenv or uv."""
    programs = tmp_path / "bin"
    program(programs / "python3", f'exec "{sys.executable}" "$@"')
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool) or "")
    # With another home pip has no cache, and would fetch all packages again.
    cache = os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache" / "pip"))
    return {"HOME": str(tmp_path), "PATH": str(programs), "PIP_CACHE_DIR": cache}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A clone of this tree, in which nothing is installed or built."""
    clone = tmp_path / "clone"
    here = shutil.ignore_patterns(".*", "build", "tests", "docs", "__pycache__")
    shutil.copytree(ROOT, clone, ignore=here)
    return clone


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
    if done.returncode:
        pytest.skip(
            "there is no Python 3.13 here, which makes Lambda's bytecode and runs the build"
        )
    return done.stdout.strip()


def test_make_check_lints_the_templates_and_what_is_deployed() -> None:
    # It takes a minute, so it is done there alone.
    done = run(MAKE, "--dry-run", "--always-make", "check")
    assert done.returncode == 0, done.stdout + done.stderr
    names = ("snapstart", "rollout", "snapstart-rollout")
    templates = " ".join(["template.yaml", *(f"build/versions-{name}.json" for name in names)])
    for command in (
        "sam validate --lint\n",
        f"cfn-lint {templates} --append-rules cfn_lint_serverless.rules\n",
        "python deploy/deployments.py template.yaml build/versions-snapstart-rollout.json\n",
    ):
        assert command in done.stdout


def aliases(folder: Path) -> list[str]:
    """Return the aliases that the functions get by the template that was built."""
    resources = parse((folder / "template.yaml").read_text())["Resources"].values()
    properties = [each.get("Properties", {}) for each in resources]
    return [each["AutoPublishAlias"] for each in properties if "AutoPublishAlias" in each]


def test_no_snapshots_are_built_unless_they_are_asked_for(built: Path) -> None:
    assert aliases(built) == []


@pytest.mark.parametrize("overlay", ["SNAPSTART", "ROLLOUT"])
def test_an_overlay_asked_for_in_another_word_is_not_silently_left_out(overlay: str) -> None:
    done = make("build", f"{overlay}=true")
    assert done.returncode != 0
    assert f'{overlay} must be on or off, not "true"' in done.stderr


def test_a_python_that_does_not_run_is_passed_over(tmp_path: Path, bare: dict[str, str]) -> None:
    program(tmp_path / "bin" / "python3.13", "exit 127")
    works = program(tmp_path / ".pyenv/versions/3.13.9/bin/python3.13", "exit 0")
    assert make("python3.13", environment=bare).stdout == f"{works}\n"


@pytest.mark.parametrize(("bytecode", "status"), [("cpython-313", 0), ("pypy311", 2)])
def test_a_python_counts_by_the_bytecode_it_makes(
    bare: dict[str, str], bytecode: str, status: int
) -> None:
    script = f"import sys; sys.implementation.cache_tag = '{bytecode}'; $2"
    program(Path(bare["PATH"]) / "python3.13", f'exec "{sys.executable}" -c "{script}"')
    assert make("python3.13", environment=bare).returncode == status


def test_uv_is_asked_for_a_python_where_there_is_none(tmp_path: Path, bare: dict[str, str]) -> None:
    installed = tmp_path / "uv" / "cpython-3.13.9-linux-x86_64-gnu" / "bin" / "python3.13"
    waiting = program(tmp_path / "waiting", "exit 0")
    script = f"""case "$*" in
    "python dir") echo {tmp_path}/uv;;
    "python install 3.13") /bin/mkdir -p {installed.parent} && cp {waiting} {installed};;
    esac"""
    program(tmp_path / "bin" / "uv", script)
    assert make("python3.13", environment=bare).stdout == f"{installed}\n"


@pytest.mark.parametrize("uv", ["missing", "offline"])
def test_deploy_says_what_to_install_without_python_3_13(
    tmp_path: Path, bare: dict[str, str], uv: str
) -> None:
    if uv == "offline":
        program(tmp_path / "bin" / "uv", "exit 2")
    done = make("deploy", "SAM_DEPLOY_FLAGS=--guided", environment=bare)
    assert done.returncode != 0
    assert "Bytecode for Lambda requires Python 3.13" in done.stderr


def test_make_build_builds_snapshots_and_says_once_what_is_missing_without_python_3_13(
    tmp_path: Path, bare: dict[str, str]
) -> None:
    # One function is enough: the template is whole.
    arguments = [f"BUILD_DIR={tmp_path / 'built'}", "SAM_BUILD_FLAGS=AuthorizerFunction"]
    done = make("build", "SNAPSTART=on", *arguments, environment=bare)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(NO_BYTECODE) == 1
    assert (tmp_path / "built" / "AuthorizerFunction" / "authorizer" / "handler.py").is_file()
    assert aliases(tmp_path / "built") == ["live", "live"]
    assert not list((tmp_path / "built").rglob("*.pyc"))


def test_sam_build_chooses_packages_for_lambda_without_python_3_13(
    tmp_path: Path, bare: dict[str, str]
) -> None:
    layer = "AuthorizerLayerX8664"
    arguments = ["build", layer, "--no-cached", "--build-dir", str(tmp_path / "built")]
    done = run(SAM, *arguments, environment={**bare, "SAM_CLI_TELEMETRY": "0"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count(NO_BYTECODE) == 1
    compiled = {each.name for each in (tmp_path / "built" / layer).rglob("*.so")}
    assert "_cffi_backend.cpython-313-x86_64-linux-gnu.so" in compiled
    assert not list((tmp_path / "built").rglob("*.pyc"))


@pytest.fixture
def said(tree: Path) -> Path:
    """What SAM is told in ``tree``, where another program stands in for it."""
    program(tree / ".sam-venv" / "bin" / "sam", f'echo "$@" >>{tree}/said')
    program(tree / ".sam-venv" / "bin" / "pip", "exit 1")
    program(tree / ".sam-venv" / "bin" / "python", f'exec {sys.executable} "$@"')
    (tree / ".sam-venv" / "installed").touch()
    return tree / "said"


def test_make_build_takes_nothing_without_bytecode_from_the_cache(
    tree: Path, bare: dict[str, str], said: Path
) -> None:
    program(Path(bare["PATH"]) / "python3.13", "exit 0")
    cache = tree / ".aws-sam" / "cache"
    for file in ("whole/__pycache__/handler.cpython-313.pyc", "half/handler.py"):
        (cache / file).parent.mkdir(parents=True)
        (cache / file).touch()
    done = make("build", cwd=tree, environment=bare)
    assert done.returncode == 0, done.stderr
    assert [each.name for each in cache.iterdir()] == ["whole"]
    assert "--no-cached" not in said.read_text()


def test_make_build_caches_nothing_without_python_3_13(
    tree: Path, bare: dict[str, str], said: Path
) -> None:
    assert make("build", cwd=tree, environment=bare).returncode == 0
    assert "--no-cached" in said.read_text()


def test_deploy_builds_and_deploys_what_was_built(
    tree: Path, bare: dict[str, str], said: Path
) -> None:
    program(Path(bare["PATH"]) / "python3.13", "exit 0")
    done = make("deploy", "ENV=dev", "SAM_DEPLOY_FLAGS=--guided", cwd=tree, environment=bare)
    assert done.returncode == 0, done.stderr
    build, deploy = said.read_text().splitlines()
    assert build.startswith("build --build-dir .aws-sam/build ")
    assert deploy == (
        "deploy --template-file .aws-sam/build/template.yaml --config-env dev --guided"
    )


def test_deploy_builds_nothing_if_a_parameter_is_missing(
    tree: Path, bare: dict[str, str], said: Path
) -> None:
    done = make("deploy", "ENV=prod", cwd=tree, environment=bare)
    assert done.returncode != 0
    assert "Authentication=oidc requires OidcIssuer. Nothing was built" in done.stderr
    assert not said.exists()


@pytest.mark.parametrize(
    ("uname", "processor"),
    [("Linux x86_64", "x86_64"), ("Linux aarch64", "arm64"), ("Darwin arm64", "arm64")],
)
def test_sam_local_is_told_the_processor_and_where_the_host_is(
    tree: Path, bare: dict[str, str], said: Path, uname: str, processor: str
) -> None:
    system, machine = uname.split()
    script = f'case "$1" in -m) echo {machine};; *) echo {system};; esac'
    program(Path(bare["PATH"]) / "uname", script)
    for target in ("start-api", "invoke"):
        done = make(target, cwd=tree, environment=bare)
        assert done.returncode == 0, done.stderr
    _, start, _, invoke = said.read_text().splitlines()
    assert start.startswith("local start-api --template-file .aws-sam/build/template.yaml")
    assert invoke.startswith("local invoke StoreFunction --event events/store/one-ct.json")
    for command in (start, invoke):
        assert f"Architecture={processor}" in command
        assert ("--add-host host.docker.internal:host-gateway" in command) == (system == "Linux")


def test_a_layer_without_pip_says_what_to_install(tree: Path, bare: dict[str, str]) -> None:
    program(Path(bare["PATH"]) / "python3", "exit 1")
    layer = tree / "layers" / "dependencies"
    done = run(
        MAKE,
        "build-DependenciesLayerX8664",
        cwd=layer,
        environment={**bare, "ARTIFACTS_DIR": str(tree)},
    )
    assert done.returncode != 0
    assert "requires Python 3.11 or newer with pip" in done.stderr


def test_a_container_that_has_the_folder_alone_takes_its_own_python(
    tmp_path: Path, tree: Path, bare: dict[str, str]
) -> None:
    source, target = shutil.move(tree / "functions", tmp_path / "source"), tmp_path / "artifacts"
    target.mkdir()
    program(tmp_path / "bin" / "python3.13", f'echo "$@" >{tmp_path}/called')
    done = run(
        MAKE,
        "build-StoreFunction",
        cwd=Path(source),
        environment={**bare, "ARTIFACTS_DIR": str(target)},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "called").read_text().startswith("-m compileall")


def test_the_first_commands_of_the_readme_need_python_and_make_alone(
    tree: Path, bare: dict[str, str]
) -> None:
    # Installing takes minutes: the packages are those that this test runs with.
    (tree / ".venv").symlink_to(sys.prefix)
    command = [MAKE, "--silent", "-o", ".venv/local"]
    process = subprocess.Popen(
        [*command, "run", "PORT=0", "AWS_PORT=0"],
        cwd=tree,
        env=bare,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout
        try:
            said = next((line for line in process.stdout if line.startswith("Ready")), "")
            assert said, "`make run` has ended"
            sample = subprocess.run(
                [*command, "sample"],
                cwd=tree,
                env=bare,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            os.killpg(process.pid, signal.SIGINT)
    assert sample.returncode == 0, sample.stdout + sample.stderr
    assert "200" in sample.stdout


def files(folder: Path) -> set[Path]:
    """The files below ``folder`` that somebody wrote, by their place in it."""
    found = (each.relative_to(folder) for each in folder.rglob("*") if each.is_file())
    return {each for each in found if "__pycache__" not in each.parts}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_its_source_and_nothing_else(built: Path, function: str) -> None:
    assert files(built / function) == files(ROOT / "functions") - {Path("Makefile")}


def layer_of(function: str) -> str:
    (choice,) = FUNCTIONS[function]["Layers"]
    return str(choice["Fn::If"][2]["Ref"])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_starts_from_the_build_alone(built: Path, python: str, function: str) -> None:
    module = FUNCTIONS[function]["Handler"].rpartition(".")[0]
    code, layer = built / function, built / layer_of(function) / "python"
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


def list_of(layer: str) -> str:
    name = "authorizer" if layer.startswith("Authorizer") else "requirements"
    return (ROOT / "layers" / "dependencies" / f"{name}.txt").read_text()


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_holds_what_is_pinned_and_no_more(built: Path, layer: str) -> None:
    pins = re.findall(r"(?m)^([\w.-]+)==", list_of(layer))
    pinned = {re.sub(r"[-_.]+", "_", name).lower() for name in pins}
    shipped = (built / layer / "python").glob("*.dist-info")
    assert {each.name.split("-")[0].lower() for each in shipped} == pinned
    assert ("boto3" in pinned) != ("pyjwt" in pinned)
    assert "numpy" not in pinned


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_has_only_what_can_be_called(built: Path, layer: str) -> None:
    packages = built / layer / "python"
    size = sum(each.stat().st_size for each in packages.rglob("*") if each.is_file())
    assert size < MEGABYTES[layer.partition("Layer")[0]] * 1024**2
    unused = (ROOT / "layers" / "dependencies" / "unused.txt").read_text().splitlines()
    patterns = [line for line in unused if line and not line.startswith("#")]
    assert not [place for pattern in patterns for place in packages.glob(pattern)]
    services = {each.name for each in packages.glob("boto*/data/*") if each.is_dir()}
    assert services == (
        {"dynamodb", "events", "logs", "s3", "sqs", "sts"} if "boto" in list_of(layer) else set()
    )


CALLS = """
import io, sys
sys.path[:0] = sys.argv[1:]
import boto3
from PIL import Image
for mode, name in (("L", "PNG"), ("RGB", "PNG"), ("P", "GIF")):
    file = io.BytesIO()
    Image.new(mode, (4, 4)).save(file, name)
    Image.open(file).load()
session = boto3.session.Session("key", "secret")
for region in ("eu-central-1", "us-gov-west-1", "cn-north-1"):
    for service in ("dynamodb", "events", "logs", "s3", "sqs"):
        print(session.client(service, region_name=region).meta.endpoint_url)
"""


def test_a_layer_has_all_that_is_called(built: Path, python: str) -> None:
    layer = built / "DependenciesLayerX8664" / "python"
    done = subprocess.run(
        [python, "-I", "-S", "-B", "-c", CALLS, layer],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    hosts = done.stdout.split()
    assert len(set(hosts)) == 15
    assert hosts[-1] == "https://sqs.cn-north-1.amazonaws.com.cn"


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_is_compiled_for_its_processor(built: Path, layer: str) -> None:
    compiled = list((built / layer).rglob("*.so"))
    assert compiled
    machines = {int.from_bytes(each.read_bytes()[18:20], "little") for each in compiled}
    assert machines == {LAYERS[layer]}


@pytest.mark.usefixtures("python")
@pytest.mark.parametrize("part", [*FUNCTIONS, *LAYERS])
def test_every_module_has_bytecode_that_lambda_need_not_check(built: Path, part: str) -> None:
    modules = list((built / part).rglob("*.py"))
    assert modules
    for module in modules:
        bytecode = (module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc").read_bytes()
        assert bytecode[4:8] == b"\x01\0\0\0"  # PEP 552: by hash, unchecked
        assert str(ROOT).encode() not in bytecode

import ast
import random
import runpy
import ssl
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
import snapshot_restore_py  # type: ignore[import-untyped] # AWS's

import store.handler
from archive.archive import Archive
from store import snapshot
from store.settings import settings
from tests.store.deployment import ROOT, environment, function

FUNCTIONS = ROOT / "functions"
OTHER_FUNCTIONS = {
    "authorizer",
    "capabilities",
    "commitment",
    "ingest",
    "notify",
    "retrieve",
    "uploads",
}


@pytest.fixture(autouse=True)
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A start whose environment Lambda keeps as a snapshot, with no hooks yet."""
    nowhere = "http://127.0.0.1:9"
    for name, value in environment(function("StoreFunction"), nowhere).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    settings.cache_clear()
    snapshot_restore_py.get_after_restore().clear()
    yield
    snapshot_restore_py.get_after_restore().clear()
    settings.cache_clear()


def test_a_snapshot_holds_the_archive_that_its_requests_use() -> None:
    started = runpy.run_path(store.handler.__file__)
    made = started["archive"]
    assert made.cache_info().currsize == 1
    assert isinstance(made(settings()), Archive)
    assert made.cache_info().hits == 1


def test_another_start_makes_nothing_before_its_first_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    started = runpy.run_path(store.handler.__file__)
    assert started["archive"].cache_info().currsize == 0
    assert snapshot_restore_py.get_after_restore() == []


def test_settings_that_are_missing_fail_the_deployment_and_not_its_first_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("INDEX_TABLE")
    with pytest.raises(KeyError, match="INDEX_TABLE"):
        runpy.run_path(store.handler.__file__)


def imports_of_requests() -> set[str]:
    """The modules that a function of ours imports when it is called."""
    found = set()
    for path in FUNCTIONS.rglob("*.py"):
        if path.relative_to(FUNCTIONS).parts[0] in OTHER_FUNCTIONS:
            continue
        for outer in ast.walk(ast.parse(path.read_text())):
            if isinstance(outer, ast.FunctionDef):
                found |= {name for node in ast.walk(outer) for name in modules_of(node)}
    return found


def modules_of(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if not isinstance(node, ast.ImportFrom) or node.module is None:
        return set()
    spec = find_spec(node.module)
    assert spec is not None
    if spec.submodule_search_locations is None:
        return {node.module}
    submodules = {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in submodules if find_spec(name)} or {node.module}


def test_no_import_is_left_to_a_request() -> None:
    snapshot.prepare()
    left = imports_of_requests()
    assert "dicomweb.metadata.assembly" in left
    assert left <= set(sys.modules)
    assert left == set(snapshot.IMPORTED_LATER)


def after_restore() -> None:
    """Do what Lambda's runtime does when an environment is restored."""
    for hook, arguments, keywords in snapshot_restore_py.get_after_restore():
        hook(*arguments, **keywords)


def test_environments_of_one_snapshot_draw_other_numbers() -> None:
    snapshot.prepare()
    kept = random.getstate()
    after_restore()
    first = random.random()
    random.setstate(kept)
    after_restore()
    assert random.random() != first


def test_environments_of_one_snapshot_mix_entropy_of_their_own_into_openssl_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mixed: list[bytes] = []
    monkeypatch.setattr(ssl, "RAND_add", lambda entropy, _: mixed.append(entropy))
    snapshot.prepare()
    after_restore()
    after_restore()
    one, other = mixed
    assert len(one) == len(other) == 32
    assert one != other

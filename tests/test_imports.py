"""What the code imports that may move without notice, and what it imports for types alone."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
ROOTS = ("functions", "client/stowport", "local")

DOCUMENTED = {
    "botocore": {"client", "config", "exceptions", "session"},
    "moto": {"server"},
}
"""The modules of libraries whose documentation covers only some of them."""

INTERNALS = {
    ("client/stowport/signing.py", "botocore.auth", "SigV4Auth"),
    ("client/stowport/signing.py", "botocore.awsrequest", "AWSRequest"),
    ("client/stowport/signing.py", "botocore.credentials", "ReadOnlyCredentials"),
    ("functions/archive/errors.py", "botocore.parsers", "ResponseParserError"),
    ("local/large_objects.py", "moto.moto_server.werkzeug_app", "BackendRequest"),
    ("local/large_objects.py", "moto.moto_server.werkzeug_app", "create_backend_app"),
    ("local/large_objects.py", "moto.s3", "models"),
    ("local/large_objects.py", "moto.s3.exceptions", "EntityTooSmall"),
    ("local/large_objects.py", "moto.s3.exceptions", "InvalidPart"),
    ("local/large_objects.py", "moto.s3.models", "FakeKey"),
    ("local/large_objects.py", "moto.s3.models", "FakeMultipart"),
    ("local/moto_server.py", "moto.moto_server.werkzeug_app", "DomainDispatcherApplication"),
    ("local/moto_server.py", "moto.moto_server.werkzeug_app", "MotoRequestHandler"),
    ("local/partiql.py", "moto.dynamodb.models", "DynamoDBBackend"),
    ("local/presigned.py", "botocore.auth", "S3SigV4QueryAuth"),
    ("local/rules.py", "moto.events.models", "Rule"),
    ("local/s3_events.py", "moto.events.models", "events_backends"),
    ("local/s3_events.py", "moto.s3", "notifications"),
    ("local/s3_events.py", "moto.s3.notifications", "S3NotificationEvent"),
    ("local/signatures.py", "botocore.auth", "S3SigV4Auth"),
    ("local/signatures.py", "botocore.auth", "SigV4Auth"),
    ("local/signatures.py", "botocore.awsrequest", "AWSRequest"),
    ("local/signatures.py", "botocore.credentials", "Credentials"),
}
"""Every import of what a library keeps to itself: a new one needs a reason, and a line here."""

STUBS = ("mypy_boto3_", "_typeshed")
ONLY_TYPES = {
    ("functions/archive/clients.py", "obstore.store", "ClientConfig"),
    ("functions/archive/clients.py", "obstore.store", "S3Config"),
    ("functions/archive/clients.py", "obstore.store", "S3Credential"),
}
"""Names that a library has in its stubs and not at run time."""

IMPORTED_LATE = {("functions/dicomweb/codestreams/rendered.py", "PIL.Image", "Image")}
"""Names of what few requests need and a start should not wait for."""

READERS_DO_WITHOUT = {
    ("functions/archive/items.py", "dicomweb.attributes", "IndexValue"),
    ("functions/archive/items.py", "dicomweb.instances", "SOPInstance"),
}
"""Names that import pydicom, which only what stores needs, in a module that readers import too."""


@dataclass(frozen=True)
class Imported:
    file: str
    module: str
    name: str
    has_comment: bool
    for_types: bool

    @property
    def key(self) -> tuple[str, str, str]:
        return self.file, self.module, self.name

    @property
    def is_internal(self) -> bool:
        package, *below = self.module.split(".")
        named = [*below, self.name] if package in DOCUMENTED else []
        hidden = any(
            part.startswith("_") and not part.endswith("__") for part in (*below, self.name)
        )
        undocumented = bool(named) and named[0] not in DOCUMENTED[package]
        return hidden or undocumented


def imports(file: Path) -> Iterator[Imported]:
    text = file.read_text()
    lines = text.splitlines()
    tree = ast.parse(text)
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        above, first = lines[node.lineno - 2].strip(), lines[node.lineno - 1]
        commented = above.startswith("#") or "  # " in first
        for alias in node.names:
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
            name = alias.name if isinstance(node, ast.ImportFrom) else ""
            path = str(file.relative_to(PROJECT))
            yield Imported(path, module, name, commented, node in for_types)


@pytest.fixture(scope="module")
def found() -> list[Imported]:
    files = [file for root in ROOTS for file in sorted((PROJECT / root).rglob("*.py"))]
    assert len(files) > 100
    return [each for file in files for each in imports(file)]


def test_what_a_library_keeps_to_itself_is_imported_only_where_it_is_listed(
    found: list[Imported],
) -> None:
    assert {each.key for each in found if each.is_internal} == INTERNALS


def test_each_import_of_an_internal_has_its_reason_beside_it(found: list[Imported]) -> None:
    without = [each.key for each in found if each.is_internal and not each.has_comment]
    assert without == []


@pytest.mark.parametrize("internal", sorted(INTERNALS), ids=":".join)
def test_an_internal_is_still_where_it_was(internal: tuple[str, str, str]) -> None:
    _, module, name = internal
    assert hasattr(import_module(module), name)


def test_only_what_is_not_there_at_run_time_is_imported_for_types_alone(
    found: list[Imported],
) -> None:
    needless = {
        each.key
        for each in found
        if each.for_types
        and not each.module.startswith(STUBS)
        and each.file.startswith("functions")
    }
    assert needless == ONLY_TYPES | IMPORTED_LATE | READERS_DO_WITHOUT
    assert not any(hasattr(import_module(module), name) for _, module, name in ONLY_TYPES)

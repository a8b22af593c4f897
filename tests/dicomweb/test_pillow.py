"""pydicom is imported as if Pillow were not installed, which few requests need."""

import importlib
import runpy
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

import dicomweb

ABSENT = "absent"


class Pydicom(MetaPathFinder, Loader):
    """Stands in for pydicom and remembers what it would have found of Pillow."""

    def __init__(self) -> None:
        self.found: list[object] = []
        self.is_installed = True

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname != "pydicom":
            return None
        return ModuleSpec(fullname, self if self.is_installed else None)

    def exec_module(self, module: ModuleType) -> None:
        del module
        self.found.append(sys.modules.get("PIL", ABSENT))


@pytest.fixture
def pydicom(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pydicom]:
    stand_in = Pydicom()
    monkeypatch.setattr(sys, "meta_path", [stand_in, *sys.meta_path])
    monkeypatch.delitem(sys.modules, "pydicom")
    yield stand_in
    sys.modules.pop("pydicom", None)


def test_the_protocol_itself_imports_no_pydicom(pydicom: Pydicom) -> None:
    runpy.run_path(str(dicomweb.__file__))
    assert pydicom.found == []


def test_pydicom_finds_no_pillow_and_whoever_comes_later_does(
    pydicom: Pydicom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "PIL", raising=False)
    runpy.run_path(str(dicomweb.__file__))
    imported = importlib.import_module("pydicom")
    assert pydicom.found == [None]
    assert "PIL" not in sys.modules
    assert imported.__loader__ is pydicom
    assert imported.__spec__ is not None
    assert imported.__spec__.loader is pydicom


def test_other_modules_are_found_as_always(pydicom: Pydicom) -> None:
    runpy.run_path(str(dicomweb.__file__))
    assert importlib.util.find_spec("tabnanny") is not None
    assert pydicom.found == []


def test_where_there_is_no_pydicom_none_is_found(pydicom: Pydicom) -> None:
    pydicom.is_installed = False
    runpy.run_path(str(dicomweb.__file__))
    spec = importlib.util.find_spec("pydicom")
    assert spec is not None
    assert spec.loader is None


def test_a_pillow_that_is_imported_already_is_left_alone(
    pydicom: Pydicom, monkeypatch: pytest.MonkeyPatch
) -> None:
    pillow = ModuleType("PIL")
    monkeypatch.setitem(sys.modules, "PIL", pillow)
    runpy.run_path(str(dicomweb.__file__))
    importlib.import_module("pydicom")
    assert pydicom.found == [pillow]
    assert sys.modules["PIL"] is pillow


def test_a_pydicom_that_is_imported_already_is_left_alone(
    pydicom: Pydicom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pydicom", ModuleType("pydicom"))
    before = list(sys.meta_path)
    runpy.run_path(str(dicomweb.__file__))
    assert sys.meta_path == before
    assert pydicom.found == []

"""pydicom is imported as if Pillow were not installed, which few requests need."""

import runpy
import sys
from collections.abc import Sequence
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

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        return ModuleSpec(fullname, self) if fullname == "pydicom" else None

    def exec_module(self, module: ModuleType) -> None:
        del module
        self.found.append(sys.modules.get("PIL", ABSENT))


@pytest.fixture
def pydicom(monkeypatch: pytest.MonkeyPatch) -> Pydicom:
    stand_in = Pydicom()
    monkeypatch.setattr(sys, "meta_path", [stand_in, *sys.meta_path])
    monkeypatch.delitem(sys.modules, "pydicom")
    return stand_in


def test_pydicom_finds_no_pillow_and_whoever_comes_later_does(
    pydicom: Pydicom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "PIL", raising=False)
    runpy.run_path(str(dicomweb.__file__))
    assert pydicom.found == [None]
    assert "PIL" not in sys.modules


def test_a_pillow_that_is_imported_already_is_left_alone(
    pydicom: Pydicom, monkeypatch: pytest.MonkeyPatch
) -> None:
    pillow = ModuleType("PIL")
    monkeypatch.setitem(sys.modules, "PIL", pillow)
    runpy.run_path(str(dicomweb.__file__))
    assert pydicom.found == []
    assert sys.modules["PIL"] is pillow

"""Warnings are never filtered for a moment: the filters are those of the process, not of a thread.

Python before 3.14 has no filters of a thread (`warnings.catch_warnings`, "Concurrent safety").
"""

import ast
import importlib
import warnings
from pathlib import Path

import pydicom
import pytest
from pydicom import charset

import dicomweb
from dicomweb import repertoires
from stowport import dicomdir
from stowport.dicomdir import Unreadable

ROOT = Path(__file__).parent.parent
ROOMS = ("functions", "client", "local", "deploy", "events")
YAMADA = b"\x1b$B;3ED\x1b(B"


class Noted:
    """Stands in for a function of pydicom, and notes whether the filters are as they were."""

    def __init__(self) -> None:
        self.before = list(warnings.filters)
        self.same: list[bool] = []

    def __call__(self, *_: object, **__: object) -> str:
        self.same.append(list(warnings.filters) == self.before)
        return "text"


def test_no_module_changes_the_filters_for_a_moment() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute | ast.alias)
        and "catch_warnings" in (getattr(node, "attr", ""), getattr(node, "name", ""))
    ]
    assert found == []


def test_other_threads_see_the_same_filters_while_text_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noted = Noted()
    monkeypatch.setattr(charset, "decode_bytes", noted)
    repertoires.decode(YAMADA, ["ascii", "iso2022_jp"], is_name=True)
    assert noted.same
    assert all(noted.same)


def test_other_threads_see_the_same_filters_while_a_dicomdir_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    noted = Noted()
    monkeypatch.setattr(pydicom, "dcmread", noted)
    with pytest.raises(Unreadable):
        dicomdir._file_ids(tmp_path)
    assert noted.same == [True]


def test_whoever_imports_dicomweb_ignores_what_pydicom_warns_of_and_nothing_else() -> None:
    with warnings.catch_warnings(action="error"):
        importlib.reload(dicomweb)

        assert charset.decode_bytes(b"\xff", ["ascii"], set()) == "\N{REPLACEMENT CHARACTER}"
        with pytest.raises(UserWarning, match="of ours"):
            warnings.warn("of ours", stacklevel=1)

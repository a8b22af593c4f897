"""Warnings are never filtered for a moment: the filters are those of the process, not of a thread.

Python before 3.14 has no filters of a thread (`warnings.catch_warnings`, "Concurrent safety").
"""

import ast
import importlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import charset

import dicomweb
from dicomweb import repertoires

ROOT = Path(__file__).parent.parent
ROOMS = ("functions", "client", "local", "deploy", "events")
JAPANESE = ["ascii", "iso2022_jp"]
YAMADA = b"\x1b$B;3ED\x1b(B"


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


@pytest.mark.parametrize(
    ("module", "called", "use"),
    [
        (charset, "decode_bytes", lambda: repertoires.decode(YAMADA, JAPANESE, is_name=True)),
    ],
    ids=["attributes"],
)
def test_other_threads_see_the_same_filters_meanwhile(
    module: object, called: str, use: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, seen = list(warnings.filters), []
    original = getattr(module, called)

    def note(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - passed on as they came
        seen.append(list(warnings.filters) == before)
        return original(*args, **options)

    monkeypatch.setattr(module, called, note)
    use()

    assert seen
    assert all(seen)


def test_whoever_imports_dicomweb_ignores_what_pydicom_warns_of_and_nothing_else() -> None:
    with warnings.catch_warnings(action="error"):
        importlib.reload(dicomweb)

        assert charset.decode_bytes(b"\xff", ["ascii"], set()) == "\N{REPLACEMENT CHARACTER}"
        with pytest.raises(UserWarning, match="of ours"):
            warnings.warn("of ours", stacklevel=1)

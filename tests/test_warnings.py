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
from pydicom.dataset import Dataset

import dicomweb
from dicomweb import repertoires
from dicomweb.metadata import charactersets, writer

ROOT = Path(__file__).parent.parent
ROOMS = ("functions", "client", "local", "deploy", "events")
JAPANESE = ["ascii", "iso2022_jp"]
YAMADA = b"\x1b$B;3ED\x1b(B"


def long_text() -> Dataset:
    """A data set with a value that is too long for its VR, of which pydicom warns."""
    data_set = Dataset()
    data_set.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    data_set.StudyDescription = "\u5c71" * 40_000
    return data_set


def written() -> object:
    return writer.write(long_text(), "1.2.840.10008.1.2.1")


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
        (charset, "decode_bytes", lambda: charactersets.decode(YAMADA, JAPANESE)),
        (charset, "decode_bytes", lambda: repertoires.decode(YAMADA, JAPANESE, is_name=True)),
        (charset, "encode_string", lambda: charactersets.settle(long_text())),
        (writer, "write_dataset", written),
    ],
    ids=["bulk data", "attributes", "metadata", "writer"],
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
        assert written()
        with pytest.raises(UserWarning, match="of ours"):
            warnings.warn("of ours", stacklevel=1)

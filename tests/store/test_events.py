import json
from pathlib import Path

import pytest

from events import make
from tests.store.deployment import EVENTS, TEMPLATE
from tests.template.parts import FUNCTIONS


def test_the_committed_events_are_what_the_script_makes() -> None:
    made = make.files()
    committed = {path: path.read_text() for path in EVENTS.glob("*/*.json")}
    assert committed == made


def test_the_script_writes_what_it_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "DIRECTORY", tmp_path)
    make.main()
    written = {path.relative_to(tmp_path) for path in tmp_path.glob("*/*.json")}
    assert written == {path.relative_to(EVENTS) for path in EVENTS.glob("*/*.json")}


def test_sam_local_gets_the_names_that_the_laptop_gives() -> None:
    variables = json.loads((EVENTS / "env.json").read_text())
    store = variables["StoreFunction"]
    assert store["ARCHIVE_BUCKET"] == TEMPLATE.bucket
    assert store["INDEX_TABLE"] == TEMPLATE.table


def test_sam_local_sets_only_variables_that_the_template_declares() -> None:
    variables = json.loads((EVENTS / "env.json").read_text())
    for function, values in variables.items():
        assert set(values) <= set(FUNCTIONS[function]["Environment"]["Variables"])

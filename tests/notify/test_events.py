"""An event is never larger than EventBridge takes, and has the form that its schema says."""

import json
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from archive.buses import MOST_BYTES
from archive.commits import Commit
from archive.items import to_attribute_value, to_value
from dicomweb.attributes import IndexValue
from notify.events import MOST_SERIES, instances_stored, study_quiet
from notify.records import batches
from notify.settings import KEYWORDS
from notify.studies import Series, Study
from tests.archive.deployment import PROVENANCE
from tests.notify.deployment import BUCKET, at
from tests.statement.pages import ROOT

SCHEMA = json.loads((ROOT / "docs" / "events.schema.json").read_text("utf-8"))
UID = "1.2.840.10008.5.1.4.1.1".ljust(60, "9")
LARGEST = dict.fromkeys(sorted(KEYWORDS), '"' * 4096)
"""The longest value of the index, of which each character takes two bytes in JSON."""

COMMIT = Commit(
    study_instance_uid=UID,
    series_instance_uid=UID,
    sop_instance_uid=UID,
    sop_class_uid=UID,
    transfer_syntax_uid=UID,
    size=10 * 1024**3,
    sha256="0" * 64,
    version=0,
    stored=at(0),
    provenance=PROVENANCE,
)


def test_instances_that_are_too_many_for_an_event_are_told_in_several() -> None:
    commits = [replace(COMMIT, sop_instance_uid=f"{UID}{n}") for n in range(1000)]
    (batch,) = batches(commits)
    events = instances_stored(batch, BUCKET, LARGEST)
    assert len(events) > 1
    assert all(event.size <= MOST_BYTES for event in events)
    details = [json.loads(event.detail) for event in events]
    told = [each["sopInstanceUID"] for detail in details for each in detail["instances"]]
    assert told == [commit.sop_instance_uid for commit in commits]
    heads = [{**detail, "instances": []} for detail in details]
    assert heads == [heads[0]] * len(events)


def test_a_study_of_more_series_than_fit_is_told_of_without_them() -> None:
    study = Study(study_instance_uid=UID, stored=at(0), instances=1)
    study.series = {f"{UID}{n}": Series("OT" * 8, 10**6) for n in range(MOST_SERIES)}
    event = study_quiet(study, 900, BUCKET, LARGEST)
    assert event.size <= MOST_BYTES
    assert len(json.loads(event.detail)["series"]) == MOST_SERIES
    study.series["1.2"] = Series()
    detail = json.loads(study_quiet(study, 900, BUCKET, {}).detail)
    assert "series" not in detail
    assert detail["numberOfSeries"] == MOST_SERIES + 1


@pytest.mark.parametrize(
    "value", ["text", 4711, ["A", 1, ["B"]], {"StudyID": "1", "Rows": 5}, [], [{"A": ["B"]}]]
)
def test_what_an_item_has_is_read_as_it_was_written(value: IndexValue) -> None:
    assert to_value(to_attribute_value(value)) == value


def test_a_set_is_a_sorted_list() -> None:
    assert to_value({"SS": ["MR", "CT"]}) == ["CT", "MR"]


VALIDATE = """
import json, sys
from jsonschema import Draft202012Validator

schema, documents = json.load(sys.stdin)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
print(json.dumps([validator.is_valid(each) for each in documents]))
"""


def valid(*events: dict[str, Any]) -> list[bool]:
    """Tell of each event whether it is as the schema says."""
    done = subprocess.run(
        [".sam-venv/bin/python", "-c", VALIDATE],
        cwd=ROOT,
        input=json.dumps([SCHEMA, events]),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[bool] = json.loads(done.stdout)
    return found


def delivered(detail_type: str, detail: str, **changes: object) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "1",
        "detail-type": detail_type,
        "source": "stowport",
        "account": "123456789012",
        "time": "2026-11-28T00:00:00Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": {**json.loads(detail), **changes},
    }


@pytest.mark.process
def test_events_have_the_form_of_their_schema_and_wrong_ones_have_not() -> None:
    told, small = (
        instances_stored(batches([replace(COMMIT, provenance=request)])[0], BUCKET, named)[0]
        for request, named in ((PROVENANCE, {"PatientID": "1"}), (None, {}))
    )
    study = Study(study_instance_uid=UID, stored=at(0), instances=1, series={UID: Series("CT", 1)})
    quiet = study_quiet(study, 60, BUCKET, {})
    events = [delivered(each.detail_type, each.detail) for each in (told, small, quiet)]
    wrong = [
        delivered(told.detail_type, told.detail, instances=[]),
        delivered(told.detail_type, told.detail, patient="1"),
        delivered(told.detail_type, told.detail, request={"way": "fax", "id": "", "principal": ""}),
        delivered(told.detail_type, quiet.detail),
        delivered(quiet.detail_type, quiet.detail, quietSeconds=0),
        delivered("Something Else", told.detail),
    ]
    assert valid(*events, *wrong) == [True] * len(events) + [False] * len(wrong)


def test_series_are_left_out_if_what_they_have_as_modality_does_not_fit() -> None:
    study = Study(study_instance_uid="1.2", stored=at(1))
    study.series = {f"1.{number}": Series("M" * 4096, 1) for number in range(60)}
    event = study_quiet(study, 60, "bucket", {})
    assert event.size < MOST_BYTES
    assert json.loads(event.detail)["numberOfSeries"] == 60
    assert "series" not in json.loads(event.detail)

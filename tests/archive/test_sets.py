"""The sets of a study's item have a bound, so that no sender can make the item too large."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.deadline import Deadline
from archive.items import MOST_MEMBERS, Item, ItemKey, study_attributes, within_bounds
from archive.shared import SharedItem
from dicomweb.attributes import IndexAttributes
from dicomweb.instances import SOPInstance
from dicomweb.returnattributes import STUDY
from tests.archive.deployment import PARENT, Deployment, Sender, instance

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

KEY = ItemKey("1.2", "study")
MARK: Item = {"SetsTruncated": {"BOOL": True}}
LARGEST_ITEM = 400 * 1024

modalities = st.lists(st.text(min_size=1, max_size=3) | st.just("x" * 65), min_size=1, unique=True)


def of_modality(number: int, modality: str) -> SOPInstance:
    made = instance(number)
    series = {**made.attributes.series, "Modality": modality}
    return replace(made, attributes=replace(made.attributes, series=series))


def numbered(first: int, end: int) -> Item:
    return {"ModalitiesInStudy": {"SS": [f"M{number}" for number in range(first, end)]}}


def members(item: Item) -> list[str]:
    return list(item["ModalitiesInStudy"]["SS"])


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in ("items", "index"):
        monkeypatch.setattr(f"archive.{room}.MOST_MEMBERS", 3)


def test_the_largest_item_of_a_study_is_far_below_the_limit_of_dynamodb() -> None:
    longest = {keyword: "\N{FACE WITH TEARS OF JOY}" * 1024 for _, keyword, _ in STUDY}
    largest = study_attributes(
        replace(instance(), attributes=IndexAttributes(study=longest, series={"Modality": "CT"}))
    )
    full: AttributeValueTypeDef = {
        "SS": [f"{number}".rjust(64, "1") for number in range(MOST_MEMBERS)]
    }
    largest |= {"ModalitiesInStudy": full, "SOPClassesInStudy": full}

    assert within_bounds(largest, {}) == largest
    assert len(largest) == len(STUDY) + 2
    assert len(json.dumps(largest, ensure_ascii=False).encode()) < LARGEST_ITEM / 4


@given(modalities, modalities)
def test_what_is_added_fits_and_the_mark_says_if_something_was_left_out(
    new: list[str], present: list[str]
) -> None:
    present = present[:MOST_MEMBERS]
    lacking: Item = {"ModalitiesInStudy": {"SS": new}}
    kept = within_bounds(lacking, {"ModalitiesInStudy": {"SS": present}})
    added = kept.get("ModalitiesInStudy", {"SS": []})["SS"]

    assert set(added) <= set(new)
    assert len(present) + len(added) <= MOST_MEMBERS
    assert all(len(each.encode()) <= 64 for each in added)
    assert ("SetsTruncated" in kept) == (len(added) < len(new))


def test_a_set_that_is_already_too_long_gains_nothing() -> None:
    assert within_bounds(numbered(500, 501), numbered(0, 101)) == MARK


def test_the_mark_is_added_once() -> None:
    assert within_bounds(numbered(500, 501), {**numbered(0, 100), **MARK}) == {}


@pytest.mark.usefixtures("few")
def test_instances_beyond_the_bound_are_stored_and_the_study_is_marked(
    sender: Sender, deployment: Deployment
) -> None:
    sent = [of_modality(number, f"M{number}") for number in range(1, 6)]

    assert sender.outcomes(*sent[:3]) == ["stored"] * 3
    assert "SetsTruncated" not in deployment.items()["study"]
    assert sender.outcomes(*sent[2:]) == ["stored"] * 3
    study = deployment.items()["study"]
    assert set(members(study)) == {"M1", "M2", "M3"}
    assert study["SetsTruncated"] == {"BOOL": True}
    assert len([key for key in deployment.items() if key.startswith("instances/")]) == 5

    sender.calls.clear()
    assert sender.outcomes(*sent) == ["stored"] * 5
    assert sender.calls[PARENT] == 0


@pytest.mark.usefixtures("few")
def test_a_modality_that_is_no_code_is_not_in_the_set(
    sender: Sender, deployment: Deployment
) -> None:
    assert sender.outcomes(of_modality(1, "x" * 65)) == ["stored"]

    study = deployment.items()["study"]
    assert "ModalitiesInStudy" not in study
    assert study["SetsTruncated"] == {"BOOL": True}


def raced(sender: Sender, stored: Item, *senders: Item) -> Item:
    """Let all ``senders`` read the item as ``stored`` before any writes; return what is there."""
    index = sender.archive._index
    index.add(KEY, stored)
    all_read = [SharedItem(KEY, index.read([KEY], Deadline(20))[KEY]) for _ in senders]
    for shared, values in zip(all_read, senders, strict=True):
        shared.expect(values)
    for shared in all_read:
        shared.write_once(index)
    return index.read([KEY], Deadline(20))[KEY]


@pytest.mark.usefixtures("few")
def test_senders_that_race_do_not_exceed_the_bound(sender: Sender) -> None:
    item = raced(sender, numbered(0, 1), numbered(1, 3), numbered(2, 4), numbered(3, 5))

    assert set(members(item)) == {"M0", "M1", "M2"}
    assert item["SetsTruncated"] == {"BOOL": True}


@pytest.mark.usefixtures("few")
def test_who_finds_the_set_full_still_adds_the_patient(sender: Sender) -> None:
    patient: Item = {"PatientID": {"S": "planted"}}
    item = raced(sender, numbered(0, 1), numbered(1, 3), {**numbered(3, 4), **patient})

    assert set(members(item)) == {"M0", "M1", "M2"}
    assert item["PatientID"] == {"S": "planted"}


@pytest.mark.usefixtures("few")
def test_who_finds_that_another_filled_the_set_and_all_is_said_adds_nothing(
    sender: Sender,
) -> None:
    item = raced(sender, numbered(0, 1), {**numbered(1, 4), "StudyID": {"S": "1"}}, numbered(4, 6))

    assert set(members(item)) == {"M0", "M1", "M2"}
    assert sender.calls[PARENT] == 3  # what was stored, the first, and the second's attempt

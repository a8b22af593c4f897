from typing import Any

import pytest

from archive.deadline import Deadline
from archive.errors import ArchiveError
from archive.index import _insert_statement
from archive.items import Item, ItemKey
from tests.archive.deployment import PARENT, READ, TABLE, Hook, Sender, instance

STUDY = ItemKey("1.2", "study")


def leave_unread(times: int) -> Hook:
    """Return a hook that says that all items but one are unprocessed, ``times`` times."""
    left = [times]

    def hook(parsed: dict[str, Any], **_: object) -> None:
        if left[0]:
            left[0] -= 1
            unread = [
                {name: item[name] for name in ("StudyInstanceUID", "Resource")}
                for item in parsed["Responses"][TABLE][1:]
            ]
            del parsed["Responses"][TABLE][1:]
            parsed["UnprocessedKeys"] = {TABLE: {"Keys": unread, "ConsistentRead": True}}

    return hook


def test_a_hundred_items_are_read_with_a_call(sender: Sender) -> None:
    keys = [ItemKey("1.2", f"series/{number}") for number in range(250)]
    sender.archive._index.add(keys[249], {"Modality": {"S": "CT"}})

    items = sender.archive._index.read(keys, Deadline(20))

    assert sender.calls[READ] == 3
    assert list(items) == [keys[249]]
    assert items[keys[249]]["Modality"] == {"S": "CT"}


def test_an_item_that_is_gone_is_not_replaced_and_nothing_is_in_the_way(sender: Sender) -> None:
    key = ItemKey("1.2", "instances/1/2")
    gone: Item = {"SHA256": {"S": "0"}, "Stored": {"S": "then"}}

    assert sender.archive._index.commit(key, {"SHA256": {"S": "1"}}, over=gone) == {}
    assert sender.archive._index.read([key], Deadline(20)) == {}


def test_a_hundred_items_are_one_call(sender: Sender) -> None:
    sender.archive._index.read([ItemKey("1.2", str(n)) for n in range(100)], Deadline(20))

    assert sender.calls[READ] == 1


def test_keys_that_were_not_processed_are_read_again(sender: Sender) -> None:
    study = [instance(number) for number in range(3)]
    sender.outcomes(*study)
    sender.calls.clear()

    with sender.hooked(f"after-call.{READ}", leave_unread(2)):
        assert sender.outcomes(*study) == ["stored"] * 3

    assert sender.calls == {READ: 3}


def test_keys_that_are_never_processed_end_at_the_deadline(sender: Sender) -> None:
    sender.outcomes(instance(1))

    def read_nothing(parsed: dict[str, Any], **_: object) -> None:
        parsed["Responses"][TABLE] = []
        parsed["UnprocessedKeys"] = {TABLE: {"Keys": [STUDY.item()], "ConsistentRead": True}}

    with (
        sender.hooked(f"after-call.{READ}", read_nothing),
        pytest.raises(ArchiveError, match="time for the request ended"),
    ):
        sender.archive._index.read([STUDY], Deadline(0.3))

    assert sender.calls[READ] > 2


def test_sets_alone_are_added_to_an_item(sender: Sender) -> None:
    index = sender.archive._index
    for modality in ("CT", "MR", "CT"):
        index.add(STUDY, {"ModalitiesInStudy": {"SS": [modality]}})

    assert sender.calls[PARENT] == 3
    modalities = index.read([STUDY], Deadline(20))[STUDY]["ModalitiesInStudy"]["SS"]
    assert set(modalities) == {"CT", "MR"}


def test_a_write_keeps_what_another_wrote_since_the_read(sender: Sender) -> None:
    index = sender.archive._index
    index.add(STUDY, {"StudyID": {"S": "first"}, "ModalitiesInStudy": {"SS": ["CT"]}})

    index.add(
        STUDY,
        {
            "StudyID": {"S": "second"},
            "StudyDate": {"S": "20260102"},
            "ModalitiesInStudy": {"SS": ["MR"]},
        },
    )

    item = index.read([STUDY], Deadline(20))[STUDY]
    assert item["StudyID"] == {"S": "first"}
    assert item["StudyDate"] == {"S": "20260102"}
    assert set(item["ModalitiesInStudy"]["SS"]) == {"CT", "MR"}


def test_an_item_is_inserted_with_all_of_its_attributes() -> None:
    statement = _insert_statement("a table of its own", ("StudyInstanceUID", "Resource"))

    assert statement == (
        """INSERT INTO "a table of its own" VALUE {'StudyInstanceUID': ?, 'Resource': ?}"""
    )

"""What the stream says was committed is told: all of it, nothing else, once or oftener."""

import json
from hashlib import sha256
from io import StringIO
from typing import Any

import pytest

from tests.archive.deployment import EXPLICIT_VR_LITTLE_ENDIAN, PROVENANCE, SOP_CLASSES
from tests.notify.conftest import Invoke, forget
from tests.notify.deployment import BUCKET, OTHER, Notifying, at, refuse

ALL: dict[str, list[Any]] = {"batchItemFailures": []}


def told(notifying: Notifying) -> list[str]:
    """The SOP Instance UIDs of all events, in their order."""
    return [
        each["sopInstanceUID"]
        for event in notifying.events()
        for each in event["detail"]["instances"]
    ]


def test_an_event_says_what_was_stored_where_it_is_and_who_sent_it(
    notifying: Notifying, invoke: Invoke
) -> None:
    notifying.commit(7, b"abc", second=1)
    assert invoke() == ALL

    (event,) = notifying.events()
    digest = sha256(b"abc").hexdigest()
    assert (event["source"], event["detail-type"]) == ("stowport", "Instances Stored")
    assert event["detail"] == {
        "version": 1,
        "bucket": BUCKET,
        "studyInstanceUID": "1.2",
        "request": {
            "way": "post",
            "id": PROVENANCE.request_id,
            "principal": PROVENANCE.principal,
        },
        "instances": [
            {
                "seriesInstanceUID": "1.2.1",
                "sopInstanceUID": "1.2.1.7",
                "sopClassUID": SOP_CLASSES["CT"],
                "transferSyntaxUID": EXPLICIT_VR_LITTLE_ENDIAN,
                "size": 3,
                "sha256": digest,
                "key": f"studies/1.2/series/1.2.1/instances/1.2.1.7/{digest}.dcm",
                "version": 0,
                "stored": at(1),
            }
        ],
    }


def test_there_is_an_event_for_each_study_and_request(notifying: Notifying, invoke: Invoke) -> None:
    notifying.commit(1)
    notifying.commit(1, study="1.3")
    notifying.commit(2, request=OTHER)
    notifying.commit(3)
    invoke()
    found = [
        (
            event["detail"]["studyInstanceUID"],
            event["detail"]["request"]["id"],
            [each["sopInstanceUID"] for each in event["detail"]["instances"]],
        )
        for event in notifying.events()
    ]
    assert found == [
        ("1.2", PROVENANCE.request_id, ["1.2.1.1", "1.2.1.3"]),
        ("1.3", PROVENANCE.request_id, ["1.3.1.1"]),
        ("1.2", OTHER.request_id, ["1.2.1.2"]),
    ]


def test_an_item_that_replaces_another_is_told_with_its_version(
    notifying: Notifying, invoke: Invoke
) -> None:
    notifying.commit(1)
    notifying.stream()
    notifying.commit(1, b"other", Version={"N": "1"})
    invoke()
    (event,) = notifying.events()
    assert [each["version"] for each in event["detail"]["instances"]] == [1]


def test_an_item_without_a_request_is_told_without_one(
    notifying: Notifying, invoke: Invoke
) -> None:
    notifying.commit(1, request=None)
    invoke()
    (event,) = notifying.events()
    assert "request" not in event["detail"]


def test_items_that_were_changed_or_deleted_are_no_news(
    notifying: Notifying, invoke: Invoke
) -> None:
    item = notifying.commit(1)
    notifying.stream()
    notifying.put({**item, "Rows": {"N": "512"}})
    notifying.delete(item)
    assert invoke() == ALL
    assert notifying.events() == []


def test_no_event_has_an_attribute_that_the_deployment_does_not_name(
    notifying: Notifying, invoke: Invoke, log: StringIO
) -> None:
    notifying.commit(1)
    invoke()
    (event,) = notifying.events()
    assert "PLANTED" not in json.dumps(event).upper().replace(BUCKET.upper(), "")
    assert '"message":"tell"' in log.getvalue()
    assert "1.2" not in log.getvalue().replace('"1.2', "")


def test_an_event_has_the_attributes_of_the_study_that_the_deployment_names(
    notifying: Notifying, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENT_ATTRIBUTES", "PatientID,AccessionNumber")
    forget()
    notifying.commit(1)
    invoke()
    (event,) = notifying.events()
    assert event["detail"]["attributes"] == {"PatientID": "PLANTED-ID"}


def test_an_item_that_cannot_be_read_is_kept_for_the_operator_and_stops_no_other(
    notifying: Notifying, invoke: Invoke
) -> None:
    notifying.commit(1)
    strange = notifying.commit(2, Size={"S": "large"})
    notifying.commit(3)
    assert invoke() == ALL
    assert told(notifying) == ["1.2.1.1", "1.2.1.3"]
    assert notifying.untold() == [
        {name: strange[name] for name in ("StudyInstanceUID", "Resource")}
    ]


@pytest.mark.parametrize(("refused", "again"), [((0, 1, 2), 0), ((1,), 1), ((2,), 2), ((1, 2), 1)])
def test_the_first_record_that_is_untold_and_all_after_it_come_again(
    notifying: Notifying,
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
    refused: tuple[int, ...],
    again: int,
) -> None:
    for number, study in enumerate(("1.2", "1.3", "1.4")):
        notifying.commit(number, study=study)
    event = notifying.stream()
    refuse(monkeypatch, *refused)
    answer = invoke(event)
    commits = [
        record["dynamodb"]["SequenceNumber"]
        for record in event["Records"]
        if record["dynamodb"]["Keys"]["Resource"]["S"].startswith("instances/")
    ]
    assert answer == {"batchItemFailures": [{"itemIdentifier": commits[again]}]}


def test_what_was_refused_is_logged_by_its_code(
    notifying: Notifying, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, log: StringIO
) -> None:
    notifying.commit(1)
    refuse(monkeypatch, 0)
    invoke()
    assert '"refused":["ThrottlingException"]' in log.getvalue()


def test_nobody_asks_whether_a_study_is_quiet_unless_the_deployment_wants_it(
    notifying: Notifying, invoke: Invoke
) -> None:
    notifying.commit(1)
    invoke()
    assert notifying.asked() == []


def test_each_study_of_a_batch_is_asked_about_once_and_later(
    notifying: Notifying, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDY_QUIET_SECONDS", "300")
    forget()
    notifying.commit(1)
    notifying.commit(2, request=OTHER)
    notifying.commit(1, study="1.3")
    invoke()
    asked: list[tuple[dict[str, Any], int]] = notifying.asked()
    assert [(each["studyInstanceUID"], seconds) for each, seconds in asked] == [
        ("1.2", 300),
        ("1.3", 300),
    ]

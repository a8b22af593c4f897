"""A study to which nothing comes is told of, once or twice, and never before."""

from typing import Any

import pytest

from notify.handler import partitions
from notify.quiet import Untold
from notify.settings import settings
from tests.notify.conftest import Invoke, forget
from tests.notify.deployment import BUCKET, Notifying, at, message, refuse
from tests.notify.test_handler import ALL


@pytest.fixture(autouse=True)
def _quiet(notifying: Notifying, monkeypatch: pytest.MonkeyPatch) -> None:
    del notifying  # which has set the environment
    monkeypatch.setenv("STUDY_QUIET_SECONDS", "60")
    forget()


def test_the_event_counts_what_is_stored_of_the_study(notifying: Notifying, invoke: Invoke) -> None:
    notifying.commit(1, b"abc", second=1)
    notifying.commit(2, b"abcd", second=3)
    notifying.commit(1, b"abcde", series="2", second=2)
    notifying.commit(9, study="1.3", second=9)
    assert invoke(message(sent=4)) == ALL
    (event,) = notifying.events()
    assert event["detail-type"] == "Study Quiet"
    assert event["detail"] == {
        "version": 1,
        "bucket": BUCKET,
        "studyInstanceUID": "1.2",
        "quietSeconds": 60,
        "stored": at(3),
        "numberOfSeries": 2,
        "numberOfInstances": 3,
        "size": 12,
        "series": [
            {"seriesInstanceUID": "1.2.1", "modality": "CT", "numberOfInstances": 2},
            {"seriesInstanceUID": "1.2.2", "modality": "CT", "numberOfInstances": 1},
        ],
    }


def test_a_study_to_which_something_came_since_is_not_quiet(
    notifying: Notifying, invoke: Invoke
) -> None:
    notifying.commit(1, second=1)
    notifying.commit(2, second=30)
    assert invoke(message(sent=2)) == ALL
    assert notifying.events() == []
    invoke(message(sent=31))
    assert len(notifying.events()) == 1


def test_a_study_to_which_something_came_since_is_read_only_as_far_as_that(
    notifying: Notifying, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 6):
        notifying.commit(number, second=number)
    client: Any = partitions(settings())._dynamodb
    query = client.query
    sent: list[str] = []

    def one_by_one(**asked: Any) -> Any:  # noqa: ANN401 - passed on
        answer = query(**asked, Limit=1)
        sent.extend(item["Resource"]["S"] for item in answer["Items"])
        return answer

    monkeypatch.setattr(client, "query", one_by_one)
    invoke(message(sent=3))
    assert notifying.events() == []
    (last,) = (each for each in sent if each.startswith("instances/"))
    assert last.endswith(".5")


def test_clocks_that_differ_by_a_second_lose_nothing(notifying: Notifying, invoke: Invoke) -> None:
    notifying.commit(1, second=2.9)
    invoke(message(sent=2))
    assert len(notifying.events()) == 1


def test_a_study_that_was_deleted_meanwhile_is_not_told_of(
    notifying: Notifying, invoke: Invoke
) -> None:
    notifying.delete(notifying.commit(1))
    assert invoke(message()) == ALL
    assert notifying.events() == []


def test_a_series_without_an_instance_or_a_modality_does_no_harm(
    notifying: Notifying, invoke: Invoke
) -> None:
    item = notifying.commit(1)
    notifying.put({**item, "Resource": {"S": "series/1.2.1"}})
    notifying.put({**item, "Resource": {"S": "series/1.2.9"}})
    invoke(message())
    (event,) = notifying.events()
    assert event["detail"]["series"] == [{"seriesInstanceUID": "1.2.1", "numberOfInstances": 1}]


def test_it_has_the_attributes_that_the_deployment_names(
    notifying: Notifying, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENT_ATTRIBUTES", "PatientID")
    forget()
    notifying.commit(1)
    invoke(message())
    (event,) = notifying.events()
    assert event["detail"]["attributes"] == {"PatientID": "PLANTED-ID"}


def test_a_message_whose_event_is_refused_comes_again(
    notifying: Notifying, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    notifying.commit(1)
    refuse(monkeypatch, 0)
    with pytest.raises(Untold, match="ThrottlingException"):
        invoke(message())

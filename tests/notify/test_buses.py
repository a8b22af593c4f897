"""Events are put in as few calls as EventBridge allows, and again if it refuses some of them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from archive.buses import MOST_BYTES, Event, EventBus
from tests.notify.deployment import BUS, Notifying, at


class Stub:
    """EventBridge, which answers with ``answers`` in turn and then takes everything."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.calls: list[list[dict[str, Any]]] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - AWS's
        self.calls.append(Entries)
        codes = self.answers.pop(0) if self.answers else [""] * len(Entries)
        results = [{"ErrorCode": code} if code else {"EventId": "1"} for code in codes]
        return {"FailedEntryCount": len(list(filter(None, codes))), "Entries": results}


def bus(stub: Stub) -> EventBus:
    made = EventBus(BUS)
    made._events = stub
    return made


def event(text: str = "1") -> Event:
    return Event(detail_type="Instances Stored", detail=f'{{"a":"{text}"}}', time=at(0))


def test_what_is_put_is_delivered(notifying: Notifying) -> None:
    assert EventBus(BUS).put([event()]) == {}
    (delivered,) = notifying.events()
    assert delivered["detail"] == {"a": "1"}


def test_nothing_is_put_without_events() -> None:
    stub = Stub()
    assert bus(stub).put([]) == {}
    assert stub.calls == []


@pytest.mark.parametrize(
    ("events", "calls"),
    [
        ([event()] * 10, [10]),
        ([event()] * 11, [10, 1]),
        ([event("x" * (MOST_BYTES // 2))] * 3, [1, 1, 1]),
        ([event("x" * (MOST_BYTES // 3))] * 3, [2, 1]),
    ],
)
def test_a_call_has_ten_events_and_the_bytes_of_one(events: list[Event], calls: list[int]) -> None:
    stub = Stub()
    assert bus(stub).put(events) == {}
    assert [len(call) for call in stub.calls] == calls


def test_only_the_events_that_were_refused_are_put_again() -> None:
    stub = Stub(["", "ThrottlingException", "InternalFailure"])
    assert bus(stub).put([event("1"), event("2"), event("3")]) == {}
    assert [[each["Detail"] for each in call] for call in stub.calls[1:]] == [
        [event("2").detail, event("3").detail]
    ]


def test_what_is_refused_every_time_is_named() -> None:
    stub = Stub(["", "ThrottlingException"], ["ThrottlingException"], ["InternalFailure"])
    assert bus(stub).put([event("1"), event("2")]) == {1: "InternalFailure"}
    assert len(stub.calls) == 3


def test_an_answer_with_too_few_results_is_no_success() -> None:
    stub = Stub([""], [], [])
    assert bus(stub).put([event("1"), event("2")]) == {1: "NoResult"}


@pytest.mark.usefixtures("notifying")
def test_a_bus_that_is_gone_is_an_error() -> None:
    with pytest.raises(ClientError):
        EventBus("another").put([event()])

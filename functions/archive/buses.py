"""An event bus of EventBridge: events are put on it, in as few calls as it allows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from boto3.session import Session

from archive.clients import ATTEMPTS, events_client
from archive.deadline import Deadline

MOST_BYTES = 240_000
"""How many bytes an event may have, and all events of a call together.

EventBridge takes less than 256 KB, and counts what it adds itself:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
"""

_EVENTS_A_CALL = 10
_BYTES_OF_A_TIME = 14
_SOURCE = "stowport"
_NO_RESULT = "NoResult"
_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event: what happened, and the JSON object that says to what; ``time`` is ISO 8601."""

    detail_type: str
    detail: str
    time: str

    @property
    def size(self) -> int:
        """The bytes that EventBridge counts."""
        texts = (_SOURCE, self.detail_type, self.detail)
        return _BYTES_OF_A_TIME + sum(len(text.encode()) for text in texts)


class EventBus:
    """The bus with this name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._events = cast("Any", events_client(Session()))

    def put(self, events: Sequence[Event]) -> dict[int, str]:
        """Put ``events``; return those that EventBridge did not take, by number, and why not.

        It refuses events one by one, mostly because it is too busy, so they are put again some
        times. Raises botocore's errors if a call fails; others may have succeeded before.
        """
        deadline = Deadline(_SECONDS)
        refused = dict.fromkeys(range(len(events)), "")
        for attempt in range(ATTEMPTS):
            if attempt:
                deadline.pause(attempt)
            refused = {
                number: code
                for numbers in _calls(events, list(refused))
                for number, code in self._put(events, numbers).items()
            }
            if not refused:
                break
        return refused

    def _put(self, events: Sequence[Event], numbers: Sequence[int]) -> dict[int, str]:
        """Make one call, for the events of these ``numbers``."""
        entries = [self._entry(events[number]) for number in numbers]
        results = self._events.put_events(Entries=entries).get("Entries", [])
        results += [{}] * (len(numbers) - len(results))
        return {
            number: result.get("ErrorCode", _NO_RESULT)
            for number, result in zip(numbers, results, strict=True)
            if "EventId" not in result
        }

    def _entry(self, event: Event) -> Mapping[str, object]:
        return {
            "EventBusName": self._name,
            "Source": _SOURCE,
            "DetailType": event.detail_type,
            "Detail": event.detail,
            "Time": datetime.fromisoformat(event.time),
        }


def _calls(events: Sequence[Event], numbers: Sequence[int]) -> Iterator[list[int]]:
    """Divide ``numbers`` into those of the events that fit into one call."""
    together: list[int] = []
    size = 0
    for number in numbers:
        if together and (
            len(together) == _EVENTS_A_CALL or size + events[number].size > MOST_BYTES
        ):
            yield together
            together, size = [], 0
        together.append(number)
        size += events[number].size
    if together:
        yield together

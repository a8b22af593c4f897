from itertools import count
from typing import Any

import pytest

from tests.bench import chain
from tests.bench.latencies import AT_ONCE

_CAME = count()


def call(operation: str, seconds: float, *instances: str, study: str = "1.2") -> dict[str, Any]:
    return {
        "operation": operation,
        "study": study,
        "instances": list(instances),
        "came": next(_CAME),
        "seconds": seconds,
    }


def read(seconds: float, *instances: str) -> dict[str, Any]:
    return call("BatchGetItem", seconds, *instances)


def put(seconds: float, instance: str) -> dict[str, Any]:
    return call("PutObject", seconds, instance)


def write(seconds: float, *instances: str) -> dict[str, Any]:
    return call("BatchExecuteStatement", seconds, *instances)


def test_one_instance_waits_for_the_read_its_object_and_its_item() -> None:
    calls = [read(5, "a"), put(25, "a"), write(10), write(12, "a")]
    assert chain.of(calls) == 5 + 25 + 12


def test_study_and_series_are_written_while_the_object_is_put() -> None:
    calls = [read(5, "a"), put(25, "a"), write(60), write(12, "a")]
    assert chain.of(calls) == 5 + 60 + 12


def test_the_chain_is_that_of_the_instance_that_is_stored_last() -> None:
    calls = [read(5, "a", "b"), put(25, "a"), put(80, "b"), write(90, "a"), write(12, "b")]
    assert chain.of([*calls, write(10)]) == 5 + 25 + 90
    calls = [read(5, "a", "b"), put(25, "a"), put(80, "b"), write(12, "a", "b"), write(10)]
    assert chain.of(calls) == 5 + 80 + 12


def test_reads_do_not_wait_for_one_another() -> None:
    assert chain.of([read(5, "a"), read(7), put(25, "a"), write(10), write(12, "a")]) == 44


def test_more_objects_than_are_put_at_once_take_turns() -> None:
    names = [str(number) for number in range(AT_ONCE + 1)]
    puts = [put(25 if name == "3" else 40, name) for name in names]
    calls = [read(5, *names), *puts, write(10), write(12, *names)]
    assert chain.of(calls) == 5 + (25 + 40) + 12


def test_the_last_write_of_an_instance_counts() -> None:
    calls = [read(5, "a"), put(25, "a"), write(10), write(90, "a"), call("PutItem", 11, "a")]
    assert chain.of(calls) == 5 + 25 + 11


def test_what_an_answer_takes_beyond_the_chain_is_where_it_went() -> None:
    calls = [read(5, "a"), put(25, "a"), write(10), write(12, "a")]
    for each, came in zip(calls, (100, 108, 109, 136), strict=True):
        each["came"] = came
    assert chain.beyond(calls, 60) == {
        "before the first call and after the last": 60 - 48,
        "from the read to the first object": 3,
        "otherwise between calls": 3,
    }


def test_the_calls_of_each_study_are_together_in_the_order_in_which_they_came() -> None:
    first, other, last = (
        call("BatchGetItem", 1, "a"),
        call("BatchGetItem", 2, "b", study="1.3"),
        call("PutObject", 3, "a"),
    )
    assert chain.by_study([last, other, first]) == {"1.2": [first, last], "1.3": [other]}


def test_a_request_that_stored_nothing_has_no_chain() -> None:
    with pytest.raises(ValueError, match="empty"):
        chain.of([read(5, "a")])

import statistics
from random import Random

import pytest

from archive.clients import CONNECTIONS
from tests.bench import cost
from tests.bench.latencies import AT_ONCE, LATENCIES, Latency


@pytest.mark.parametrize("latency", sorted(set(LATENCIES.values()), key=str))
def test_the_median_and_the_tail_are_those_that_were_chosen(latency: Latency) -> None:
    random = Random(1)
    drawn = [latency.draw(random, 0) for _ in range(20_000)]
    assert statistics.median(drawn) == pytest.approx(latency.median, rel=0.03)
    assert statistics.quantiles(drawn, n=100)[98] == pytest.approx(latency.p99, rel=0.06)


def test_bytes_take_time_if_they_are_to() -> None:
    latency = Latency(0.025, 0.1, per_byte=1e-8)
    without = Latency(0.025, 0.1).draw(Random(1), 500_000)
    assert latency.draw(Random(1), 500_000) == pytest.approx(without + 0.005)


def test_the_same_seed_gives_the_same_times() -> None:
    latency = LATENCIES["PutObject"]
    assert latency.draw(Random(7), 0) == latency.draw(Random(7), 0)


def test_as_many_objects_are_put_at_once_as_the_archive_has_connections() -> None:
    assert AT_ONCE == CONNECTIONS


def test_a_request_waits_for_three_rounds_and_more_objects_than_fit_into_one() -> None:
    ct1 = {"BatchGetItem": 1, "PutObject": 1, "BatchExecuteStatement": 2}
    assert cost.waited(ct1) == pytest.approx(0.005 + 0.025 + 0.010)
    tiny100 = {"BatchGetItem": 2, "PutObject": 100, "BatchExecuteStatement": 5}
    assert cost.waited(tiny100) == pytest.approx(2 * 0.005 + 7 * 0.025 + 4 * 0.010)

"""The model is true where a formula says what it must give, and docs/scale.md is what it gives."""

import json
import math
from collections.abc import Generator
from dataclasses import fields, replace
from random import Random
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import simpy

from tests.bench.latencies import Latency
from tests.bench.scale import report, rows, uploads
from tests.bench.scale.__main__ import PAGE, PLOTS
from tests.bench.scale.aws import Account, Bucket, Function
from tests.bench.scale.capacity import capacities, cycle_seconds
from tests.bench.scale.model import Deployment
from tests.bench.scale.parameters import BODY, SOURCES, WORKLOADS, Limits, Workload
from tests.bench.scale.scenarios import GOT, MOVED, SENDERS, Scenario, Upload, workloads
from tests.bench.scale.senders import percentile, run
from tests.bench.scale.uploads import INGESTING_SOURCES, Ingesting
from tests.statement.pages import table

TEXT = PAGE.read_text("utf-8")
FREE = Limits(
    api_rate=1e9,
    api_burst=1e9,
    concurrency=10**9,
    environment_rate=1e9,
    environments_in_10_s=10**9,
    partition_write_units=10**9,
    partition_read_units=10**9,
    index_write_units=10**9,
    prefix_puts=10**9,
    read=Latency(0.005, 0.005),
    write=Latency(0.010, 0.010),
    put=Latency(0.025, 0.025),
)
"""No limit binds, and every call takes its median."""


def one_study(name: str) -> Workload:
    return replace(WORKLOADS[name], one_study=True)


@pytest.mark.parametrize("name", WORKLOADS)
def test_without_limits_throughput_is_senders_over_duration(name: str) -> None:
    workload = one_study(name)
    got = run(workload, 4, FREE, seconds=50, run_in=5)
    assert got.rate == pytest.approx(4 / cycle_seconds(workload, FREE) * workload.instances, 0.02)
    assert percentile(got.stored, 99) == pytest.approx(cycle_seconds(workload, FREE))


def test_a_study_takes_a_thousand_instances_a_second_at_most() -> None:
    got = run(one_study("tiny100"), 20, Limits(), seconds=20, run_in=5)
    assert 950 * 20 <= got.instances <= 1000 * 21
    assert got.binding == "writes of a partition"


@pytest.mark.parametrize(
    ("limits", "limit", "workload"),
    [
        (replace(FREE, api_rate=20, api_burst=20), "rate of API Gateway", one_study("ct1")),
        (replace(FREE, prefix_puts=20), "PUTs of a prefix", one_study("ct1")),
        (
            replace(FREE, index_write_units=20),
            "writes of the index by SOP Instance UID",
            one_study("ct1"),
        ),
        (replace(FREE, partition_read_units=60), "reads of a partition", one_study("ct1")),
        (
            replace(FREE, environment_rate=10, concurrency=4),
            "account concurrency",
            one_study("ct1"),
        ),
    ],
)
def test_a_limit_lets_through_what_its_formula_says(
    limits: Limits, limit: str, workload: Workload
) -> None:
    most = capacities(workload, limits)[limit]
    got = run(workload, 60, limits, seconds=100, run_in=100)
    assert got.binding == limit
    assert 0.6 * most < got.rate <= most * 1.02


def test_every_request_is_answered_once_and_every_instance_is_written_once() -> None:
    clock = simpy.Environment()
    limits = replace(Limits(), partition_write_units=500)
    deployment = Deployment(clock, limits, Random(1))
    (partition,) = deployment.partitions[:1]
    given: list[int] = []
    answers: list[int] = []
    take = partition.writes.take

    def counted(now: float, wanted: int) -> int:
        given.append(take(now, wanted))
        return given[-1]

    partition.writes.take = counted  # type: ignore[method-assign]  # counts what it gives

    def post() -> Generator[simpy.Event, Any, None]:
        answers.append((yield from deployment.post(WORKLOADS["tiny100"], 100, partition, 0)))

    for _ in range(60):
        clock.process(post())
    clock.run(60)
    assert len(answers) == 60
    assert sum(answers) == sum(given)
    assert 0 < sum(answers) < 6000
    assert deployment.account.store.busy(clock.now) == 0


def test_a_sender_comes_again_after_503_as_stowport_send_does() -> None:
    limits = replace(Limits(), reserved=0)
    got = run(one_study("ct1"), 1, limits, seconds=2000, run_in=1e-9)
    assert got.instances == 0
    assert got.unavailable == len(got.answers)
    assert len(got.answers) // limits.tries == len(got.given_up)
    backoff = sum(limits.first_delay * 2**number for number in range(limits.tries - 1))
    least = (limits.tries - 1) * limits.retry_after + 0.5 * backoff
    assert least < min(got.given_up) <= max(got.given_up) < least + 0.5 * backoff + limits.tries


def test_what_fails_with_a700_is_sent_again_until_it_is_stored() -> None:
    got = run(one_study("tiny100"), 20, Limits(), seconds=30, run_in=1e-9)
    assert got.instances >= 100 * len(got.stored) > 0
    assert len(got.answers) > len(got.stored)
    assert not got.unavailable


def test_a_pool_of_environments_refuses_what_erlangs_formula_says() -> None:
    offered, environments = 8.0, 10
    limits = replace(FREE, reserved=environments)
    clock, chance, account = simpy.Environment(), Random(7), Account(limits)
    refused = 0

    def request() -> Generator[simpy.Event, Any, None]:
        nonlocal refused
        began = clock.now
        if account.begin(account.store, began) is None:
            refused += 1
            return
        yield clock.timeout(chance.expovariate(1))
        account.store.end(began, clock.now)

    def arrivals() -> Generator[simpy.Event, Any, None]:
        for _ in range(20_000):
            yield clock.timeout(chance.expovariate(offered))
            clock.process(request())

    clock.process(arrivals())
    clock.run()
    powers = [offered**number / math.factorial(number) for number in range(environments + 1)]
    assert refused / 20_000 == pytest.approx(powers[-1] / sum(powers), rel=0.06)


def test_lambda_starts_a_thousand_environments_and_then_a_hundred_a_second() -> None:
    function = Function(Limits())
    assert [function.begin(0) for _ in range(1001)] == [True] * 1000 + [None]
    assert [function.begin(1) for _ in range(101)] == [True] * 100 + [None]


def test_an_environment_rests_for_the_rest_of_a_tenth_of_a_second() -> None:
    function = Function(Limits())
    assert function.begin(0) is True
    function.end(0, 0.02)
    assert function.busy(0.09) == 1
    assert function.busy(0.11) == 0
    assert function.begin(0.11) is False


def test_a_bucket_gives_its_rate_and_keeps_no_more_than_a_second_of_it() -> None:
    bucket = Bucket(10)
    assert [bucket.take(0, 15), bucket.take(0.5, 15), bucket.take(100, 15)] == [10, 5, 10]


def test_ingest_takes_as_many_bodies_at_a_time_as_it_may() -> None:
    ingesting = Ingesting(at_once=2)
    got = uploads.run(BODY, 40, FREE, ingesting, seconds=2000, run_in=1000)
    waits = 10 * (math.ceil(100 / FREE.connections) * FREE.put.median + 4 * FREE.write.median)
    takes = BODY.instances * BODY.size / 1e9 * ingesting.seconds_a_gb + waits
    assert got.rate == pytest.approx(2 * BODY.instances / takes, 0.01)
    assert got.binding == "MaxSimultaneousIngests"


def test_every_parameter_has_its_source() -> None:
    assert list(SOURCES) == [each.name for each in fields(Limits)]
    assert list(INGESTING_SOURCES) == [each.name for each in fields(Ingesting)]


def test_the_page_has_the_parameters_and_formulas_of_the_model() -> None:
    tables = report.formulas()
    assert [name for name, made in tables.items() if made not in TEXT] == [], "run: make scale"


QUICK = [each for each in GOT if (each.workload.name, each.senders) in {("ct8", 10), ("ct1", 10)}]


@pytest.mark.parametrize("scenario", QUICK, ids=lambda each: rows.name_of(each.workload))
def test_the_page_says_what_the_model_gives(scenario: Scenario) -> None:
    assert " | ".join(rows.of_run(scenario, scenario.run())) in TEXT, "run: make scale"


def test_the_page_says_what_a_new_account_gets() -> None:
    step = "a new account with a concurrency of 10"
    assert " | ".join((step, *rows.of_run(MOVED[step], MOVED[step].run()))) in TEXT, (
        "run: make scale"
    )


def test_the_page_says_what_ten_senders_of_uploads_get() -> None:
    upload = Upload(4, 10)
    assert " | ".join(rows.of_uploads(upload, upload.run())) in TEXT, "run: make scale"


def test_the_page_obeys_littles_law() -> None:
    lines = table(TEXT, "request", "senders", "requests a second")
    assert len(lines) == len(GOT)
    for _, senders, *_, product in lines:
        number = float(senders.replace(",", ""))
        assert float(product.replace(",", "")) == pytest.approx(number, rel=0.03)


def test_the_plots_show_what_the_page_says() -> None:
    _, _, shown = TEXT.partition("begin Table 4")
    lines = table(shown.partition("end Table 4")[0], "request", "senders")
    said = {(line[0], float(line[1].replace(",", ""))): line for line in lines}
    for name, column in (("scale-throughput", 2), ("scale-stored", 6)):
        drawn = described(name)
        assert drawn["curves"].keys() == {rows.name_of(each) for each in workloads()}
        for request, points in drawn["curves"].items():
            for senders, height in points:
                if senders in SENDERS:
                    cell = float(said[request, senders][column].replace(",", ""))
                    assert height == pytest.approx(cell, abs=0.6 if column == 2 else 0.06)


def described(plot: str) -> dict[str, Any]:
    """Return what a plot shows, which is its description."""
    file = ET.parse(PLOTS / f"{plot}.svg")
    (description,) = file.iter("{http://purl.org/dc/elements/1.1/}description")
    drawn: dict[str, Any] = json.loads(description.text or "")
    return drawn

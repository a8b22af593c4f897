"""docs/cost.md is what the formulas give for the prices and for what was measured."""

import re
from pathlib import Path

import pytest

from tests.cost import drivers
from tests.cost.__main__ import MEMORY, PAGE, tables
from tests.statement.pages import table, with_tables

PRICES = drivers.read_prices()
TEXT = PAGE.read_text("utf-8")
CASES = drivers.measured(MEMORY)


def test_the_page_is_what_make_cost_writes() -> None:
    assert with_tables(TEXT, tables(PRICES), "make cost") == TEXT, "run: make cost"


def test_a_driver_is_in_proportion_to_its_price() -> None:
    dear = {name: price and price * 3 for name, price in PRICES.items()}
    for case in CASES.values():
        for once, thrice in (
            (drivers.to_store(case, MEMORY, PRICES), drivers.to_store(case, MEMORY, dear)),
            (drivers.to_upload(case, MEMORY, PRICES), drivers.to_upload(case, MEMORY, dear)),
            (drivers.to_keep(case, PRICES), drivers.to_keep(case, dear)),
        ):
            assert thrice == pytest.approx({name: 3 * dollars for name, dollars in once.items()})


def test_every_price_counts_for_something() -> None:
    filled: drivers.Prices = {name: price or 1.0 for name, price in PRICES.items()}
    before = tables(filled)
    unused = {price for number, price in drivers.standing().values() if number == 0}
    counting = {name for name in PRICES if tables({**filled, name: 1000.0}) != before}
    assert counting == PRICES.keys() - unused


def test_what_is_stored_costs_as_the_page_of_figures_says() -> None:
    figures = drivers.PERFORMANCE.read_text("utf-8")
    rows = {row[0]: row for row in table(figures, "case", "MiB") if row[1] == str(MEMORY)}
    for name, case in CASES.items():
        dollars = drivers.to_store(case, MEMORY, PRICES)
        dynamodb = dollars["DynamoDB writes"] + dollars["DynamoDB reads"]
        given = [dollars["Lambda, store"], dollars["API Gateway"], dollars["S3 PUTs"], dynamodb]
        assert given == pytest.approx([float(cell) for cell in rows[name][3:7]], abs=0.011)


def test_a_hundred_instances_in_a_request_cost_little_more_than_their_puts() -> None:
    dollars = drivers.to_store(CASES["tiny100"], MEMORY, PRICES)
    assert dollars["S3 PUTs"] / sum(dollars.values()) > 0.75


def test_a_small_image_set_is_billed_as_5_mb() -> None:
    small, large = (drivers.of_others(CASES[name], PRICES) for name in ("tiny100", "big1"))
    _, month, _ = small["AWS HealthImaging"]
    image_sets = drivers.INSTANCES / drivers.ASSUMED["image_set_instances"]
    assert month == pytest.approx(image_sets * 5_000_000 / drivers.GB * 0.105)
    _, month, _ = large["AWS HealthImaging"]
    assert month == pytest.approx(drivers.INSTANCES * CASES["big1"].size / drivers.GB * 0.105)


def test_a_service_without_a_price_has_no_sum_and_ours_needs_every_price(tmp_path: Path) -> None:
    assert drivers.of_others(CASES["ct1"], PRICES)["Azure Health Data Services"] == (None,) * 3
    table_of_prices = tmp_path / "prices.tsv"
    text = drivers.PRICES.read_text("utf-8")
    table_of_prices.write_text(re.sub(r"(?m)^(s3_put\t)[^\t]+", r"\1", text), "utf-8")
    with pytest.raises(ValueError, match="found no price for s3_put"):
        tables(drivers.read_prices(table_of_prices))


def test_a_size_that_was_not_measured_is_an_error() -> None:
    with pytest.raises(ValueError, match="found no durations at 100 MiB"):
        drivers.measured(100)


def test_the_metrics_are_those_that_the_alarms_and_the_log_know() -> None:
    assert {"InstancesStored", "InstancesFailed", "RequestsRefused"} <= set(drivers.metrics())

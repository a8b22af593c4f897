"""A run as a row of a table of docs/scale.md."""

from functools import cache

from tests.bench.scale.parameters import Workload
from tests.bench.scale.scenarios import DEFAULT, Scenario, Upload, workloads
from tests.bench.scale.senders import Got, percentile
from tests.cost.drivers import ASSUMED, known, read_prices, to_store

Row = tuple[str, ...]

MEMORY = 1769

OF_RUN = (
    "request",
    "senders",
    "instances a second",
    "MB a second",
    "answer p50, s",
    "p99, s",
    "stored p99, s",
    "503",
    "given up",
    "limit",
    "US dollars an hour",
)
OF_UPLOADS = (
    "MaxSimultaneousIngests",
    "senders",
    "instances a second",
    "MB a second",
    "answer p50, minutes",
    "p99, minutes",
    "limit",
)
CHECKED = ("request", "senders", "requests a second", "mean seconds of one", "product")


def name_of(workload: Workload) -> str:
    """Return the name of a workload in the tables."""
    return workload.name + (", one study" if workload.one_study else "")


def of_run(scenario: Scenario, got: Got) -> Row:
    """Return the cells under ``OF_RUN``."""
    return (
        name_of(scenario.workload),
        f"{scenario.senders:,}",
        f"{got.rate:,.0f}",
        f"{got.rate * scenario.workload.size / 1e6:,.0f}",
        f"{percentile(got.answers, 50):.2f}",
        f"{percentile(got.answers, 99):.2f}",
        f"{percentile(got.stored, 99):.1f}",
        f"{got.unavailable / len(got.answers):.1%}",
        f"{len(got.given_up) / len(got.requests):.1%}",
        got.binding,
        f"{_dollars_an_hour(scenario, got):,.2f}",
    )


def of_uploads(upload: Upload, got: Got) -> Row:
    """Return the cells under ``OF_UPLOADS``."""
    return (
        str(upload.at_once),
        f"{upload.senders:,}",
        f"{got.rate:,.0f}",
        f"{got.rate * workloads()[0].size / 1e6:,.0f}",
        f"{percentile(got.stored, 50) / 60:.1f}",
        f"{percentile(got.stored, 99) / 60:.1f}",
        got.binding,
    )


def checked(scenario: Scenario, got: Got) -> Row:
    """Return the cells under ``CHECKED``: by Little's law, the product is the senders."""
    rate = len(got.requests) / got.seconds
    mean = sum(got.requests) / len(got.requests)
    return (
        name_of(scenario.workload),
        f"{scenario.senders:,}",
        f"{rate:,.1f}",
        f"{mean:.3f}",
        f"{rate * mean:,.1f}",
    )


@cache
def dollars(workload: Workload) -> float:
    """Return what a million instances cost."""
    return sum(to_store(workload.measured(DEFAULT), MEMORY, read_prices()).values())


def _dollars_an_hour(scenario: Scenario, got: Got) -> float:
    """Return what is paid for what is stored, and for the answers that tell to come again."""
    prices = read_prices()
    refused = known(prices, "api_request") + 2 * known(prices, "lambda_invocation")
    refused += ASSUMED["log_bytes"] / 2**30 * known(prices, "log_gb")
    stored = got.rate / 1e6 * dollars(scenario.workload)
    return 3600 * (stored + got.unavailable / got.seconds * refused)

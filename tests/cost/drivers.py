"""What a million instances cost: a formula for each driver, of prices and of what was measured.

Durations and calls are those of docs/performance.md, and what a deployment has is counted in
template.yaml and in the functions. What is assumed is in ``ASSUMED``.
"""

import ast
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from archive.staging import RANGE_BYTES
from tests.bench.instances import CASES
from tests.statement.facts import resources
from tests.statement.pages import ROOT, table
from tests.template.parts import FUNCTIONS, RESOURCES

PRICES = Path(__file__).parent / "prices.tsv"
PERFORMANCE = ROOT / "docs" / "performance.md"
INSTANCES = 1_000_000
GB = 2**30

ASSUMED = {
    "authorizer_seconds": 0.010,
    "notify_seconds": 0.050,
    "log_bytes": 2500,
    "logged_statuses": 10,
    "traced": 0.05,
    "traces": 2,
    "item_bytes": 1124,
    "upload_instances": 1000,
    "upload_api_requests": 5,
    "upload_queue_requests": 4,
    "ingest_seconds_for_gb": 20,
    "structured_bytes": 2048,
    "image_set_instances": 100,
}
"""The trace of a request is recorded for each function; an item has up to 1 KB and 100 bytes that
DynamoDB adds; an upload is announced, and asked for four times."""

_DETAILED = ("Count", "Latency", "IntegrationLatency", "4XXError", "5XXError")
"""The metrics of a method that API Gateway sends if detailed metrics are on."""

_HEALTHIMAGING_MINIMUM = 5_000_000

Prices = dict[str, float | None]


def read_prices(path: Path = PRICES) -> Prices:
    """Return the price in US dollars of each unit; None if it is not known."""
    rows = csv.DictReader(path.read_text("utf-8").splitlines(), delimiter="\t")
    return {row["price"]: float(row["dollars"]) if row["dollars"] else None for row in rows}


@dataclass(frozen=True, slots=True)
class Measured:
    """What a request of one case takes: instances, bytes of each, seconds, calls."""

    instances: int
    size: int
    seconds: float
    puts: int
    write_units: int
    read_units: int


@cache
def measured(memory: int) -> Mapping[str, Measured]:
    """Return the cases of docs/performance.md; the duration is that at ``memory`` MiB."""
    page = PERFORMANCE.read_text("utf-8")
    seconds = {
        row[0]: float(row[2]) / 1000 for row in table(page, "case", "MiB") if row[1] == str(memory)
    }
    if not seconds:
        raise ValueError(f"found no durations at {memory} MiB, expected a size of docs/performance")
    calls = {row[0]: row for row in table(page, "case", "sent") if row[1] == "first"}
    return {
        name: Measured(
            case.instances,
            case.rows * case.columns * 2,
            seconds[name],
            *(int(calls[name][column]) for column in (2, 7, 8)),
        )
        for name, case in CASES.items()
    }


def to_store(case: Measured, memory: int, prices: Prices) -> dict[str, float]:
    """Return the dollars for storing a million instances with POST, by driver."""
    requests = INSTANCES / case.instances
    authorizer = FUNCTIONS["AuthorizerFunction"]["MemorySize"]
    notify = FUNCTIONS["NotifyFunction"]["MemorySize"]
    return {
        "API Gateway": requests * known(prices, "api_request"),
        "Lambda, store": requests * _invocation(case.seconds, memory, prices),
        "Lambda, authorizer": requests
        * _invocation(ASSUMED["authorizer_seconds"], authorizer, prices),
        "S3 PUTs": requests * case.puts * known(prices, "s3_put"),
        "DynamoDB writes": requests * case.write_units * known(prices, "dynamodb_write_unit"),
        # One key of a new instance, whose item has less than 1 KB in the index too.
        "DynamoDB writes, index by SOP Instance UID": INSTANCES
        * known(prices, "dynamodb_write_unit"),
        "DynamoDB reads": requests * case.read_units * known(prices, "dynamodb_read_unit"),
        "logs": requests * ASSUMED["log_bytes"] / GB * known(prices, "log_gb"),
        "traces": requests * ASSUMED["traced"] * ASSUMED["traces"] * known(prices, "trace"),
        # Lambda reads the stream for nothing, here once for each request.
        "events": requests
        * (known(prices, "event") + _invocation(ASSUMED["notify_seconds"], notify, prices)),
    }


def to_upload(case: Measured, memory: int, prices: Prices) -> dict[str, float]:
    """Return the dollars for a million instances in uploads, beyond PUTs, items and logs."""
    uploads = INSTANCES / ASSUMED["upload_instances"]
    body = case.size * ASSUMED["upload_instances"]
    seconds = body / GB * ASSUMED["ingest_seconds_for_gb"]
    calls = ASSUMED["upload_api_requests"]
    return {
        "API Gateway": uploads * calls * known(prices, "api_request"),
        "Lambda": uploads * _invocation(seconds, memory, prices)
        + uploads * calls * known(prices, "lambda_invocation"),
        "S3 staging": uploads
        * (known(prices, "s3_put") + body / RANGE_BYTES * known(prices, "s3_get")),
        "events and queue": uploads
        * (
            known(prices, "event")
            + ASSUMED["upload_queue_requests"] * known(prices, "queue_request")
        ),
    }


def _invocation(seconds: float, memory: int, prices: Prices) -> float:
    return seconds * memory / 1024 * known(prices, "lambda_gb_second") + known(
        prices, "lambda_invocation"
    )


def to_keep(case: Measured, prices: Prices) -> dict[str, float]:
    """Return the dollars a month for keeping a million instances, by driver."""
    items = INSTANCES * ASSUMED["item_bytes"] / GB
    logs = INSTANCES / case.instances * ASSUMED["log_bytes"] / GB
    return {
        "S3 Standard": INSTANCES * case.size / GB * known(prices, "s3_gb_month"),
        "DynamoDB": items * known(prices, "dynamodb_gb_month"),
        "DynamoDB, point-in-time recovery": items * known(prices, "dynamodb_backup_gb_month"),
        "logs": logs * known(prices, "log_gb_month"),
    }


@cache
def standing() -> Mapping[str, tuple[int, str]]:
    """Return how many of each a deployment has, whatever is sent, and the price of each."""
    return {
        "metrics of the functions": (len(set(metrics())), "metric_month"),
        "metrics of the access log": (sum(map(_series, _filters())), "metric_month"),
        "metrics of the API's methods": (len(resources()) * len(_DETAILED), "metric_month"),
        "alarms": (_of_type("AWS::CloudWatch::Alarm"), "alarm_month"),
        "dashboards": (_of_type("AWS::CloudWatch::Dashboard"), "dashboard_month"),
        "customer-managed keys, if chosen": (_of_type("AWS::KMS::Key"), "kms_key_month"),
    }


def to_stand(prices: Prices) -> dict[str, tuple[int, float]]:
    """Return how many of each a deployment has, and the dollars a month."""
    return {
        name: (number, number * known(prices, price))
        for name, (number, price) in standing().items()
    }


def metrics() -> Iterator[str]:
    """Yield the names of the metrics that the functions count."""
    for path in (ROOT / "functions").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) == "count":
                yield from (word.arg for word in node.keywords if word.arg)


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _filters() -> list[Any]:
    return [
        transformation
        for each in RESOURCES.values()
        if each["Type"] == "AWS::Logs::MetricFilter"
        for transformation in each["Properties"]["MetricTransformations"]
    ]


def _series(transformation: Mapping[str, Any]) -> int:
    return int(ASSUMED["logged_statuses"]) if "Dimensions" in transformation else 1


def _of_type(kind: str) -> int:
    """Count the resources of a type; those of the audit trail are not there by default."""
    return sum(
        each["Type"] == kind and each.get("Condition") != "KeepsAuditTrail"
        for each in RESOURCES.values()
    )


def of_others(case: Measured, prices: Prices) -> dict[str, tuple[float | None, ...]]:
    """Return for each service the dollars to store, and for the first and each later month."""
    size = INSTANCES * case.size / GB
    requests = INSTANCES / case.instances
    image_set = ASSUMED["image_set_instances"] * case.size
    billed = size * max(1.0, _HEALTHIMAGING_MINIMUM / image_set)
    structured = INSTANCES * ASSUMED["structured_bytes"] / GB
    google = _sum(
        _times(size, prices["google_blob_gb_month"]),
        _times(structured, prices["google_structured_gb_month"]),
    )
    azure = _times(size, prices["azure_gb_month"])
    return {
        "AWS HealthImaging": (
            0.0,
            _times(billed, prices["healthimaging_gb_month"]),
            _times(billed, prices["healthimaging_archive_gb_month"]),
        ),
        "Google Cloud Healthcare API": (_times(requests, prices["google_request"]), google, google),
        "Azure Health Data Services": (_times(requests, prices["azure_request"]), azure, azure),
    }


def known(prices: Prices, name: str) -> float:
    price = prices[name]
    if price is None:
        raise ValueError(f"found no price for {name}, expected one in the table of prices")
    return price


def _times(number: float, price: float | None) -> float | None:
    return None if price is None else number * price


def _sum(*dollars: float | None) -> float | None:
    known: list[Any] = [each for each in dollars if each is not None]
    return sum(known) if len(known) == len(dollars) else None

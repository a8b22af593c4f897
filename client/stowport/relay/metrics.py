"""What the relay has done and is doing, in the text format of Prometheus."""

from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from stowport.relay.entries import Entry

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000)
_PREFIX = "stowport_relay"


class Metrics:
    """Counters and gauges of one relay; a gauge is read when it is asked for."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # has no types
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            f"{_PREFIX}_requests",
            "Requests that were answered, by resource and status.",
            ["method", "resource", "status"],
            registry=registry,
        )
        self._instances = Counter(
            f"{_PREFIX}_instances", "Instances, by outcome.", ["outcome"], registry=registry
        )
        self._failures = Counter(
            f"{_PREFIX}_failures",
            "Instances that were not stored, by Failure Reason.",
            ["reason"],
            registry=registry,
        )
        self._bytes = Counter(
            f"{_PREFIX}_received_bytes", "Bytes of complete bodies.", registry=registry
        )
        self._seconds = Histogram(
            f"{_PREFIX}_request_seconds",
            "Seconds from the head of a request to its answer.",
            ["resource"],
            buckets=_SECONDS,
            registry=registry,
        )

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Add a gauge."""
        gauge = Gauge(f"{_PREFIX}_{name}", text, registry=self._registry)
        gauge.set_function(value)

    def count(self, entry: Entry) -> None:
        """Count a request that was answered."""
        self._requests.labels(entry.method, entry.resource, str(entry.status)).inc()
        self._seconds.labels(entry.resource).observe(entry.seconds)
        self._bytes.inc(entry.size)
        self._instances.labels("stored").inc(entry.stored)
        self._instances.labels("failed").inc(entry.failed)
        for reason, number in entry.reasons.items():
            self._failures.labels(reason).inc(number)

    def text(self) -> bytes:
        """Return all of them, to be sent as ``CONTENT_TYPE``."""
        return generate_latest(self._registry)

"""How long S3 and DynamoDB take to answer: assumed, because nothing was measured on AWS.

The medians are those of the calculation of costs as well, and 0183 says how all were chosen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from random import Random

_OF_99_PERCENT = 2.3263478740408408
"""How many standard deviations above its mean 99 % of a normal distribution are."""

AT_ONCE = 16
"""How many objects a request puts at the same time: ``archive.clients.CONNECTIONS``."""


@dataclass(frozen=True, slots=True)
class Latency:
    """A log-normal distribution of seconds, and seconds for each byte of the request's body."""

    median: float
    p99: float
    per_byte: float = 0.0

    def draw(self, random: Random, size: int) -> float:
        """Return the seconds that a request with a body of ``size`` bytes takes."""
        deviation = log(self.p99 / self.median) / _OF_99_PERCENT
        return self.median * exp(random.gauss(0, deviation)) + size * self.per_byte


_DYNAMODB_WRITE = Latency(0.010, 0.030)

LATENCIES: Mapping[str, Latency] = {
    "PutObject": Latency(0.025, 0.100),
    "BatchGetItem": Latency(0.005, 0.015),
    "BatchExecuteStatement": _DYNAMODB_WRITE,
    "UpdateItem": _DYNAMODB_WRITE,
    "PutItem": _DYNAMODB_WRITE,
}
"""By operation. A call that carries many items takes as long as one that carries one."""

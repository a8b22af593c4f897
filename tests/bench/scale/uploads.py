"""The large path: bodies that senders put to S3, the queue, and ingest, which stores them."""

import math
import zlib
from collections.abc import Generator
from dataclasses import dataclass, replace
from random import Random

import simpy

from tests.bench.scale.aws import Partition
from tests.bench.scale.model import Deployment
from tests.bench.scale.parameters import ASSUMED, CODE, Limits, Workload
from tests.bench.scale.senders import Got

_TOGETHER = 100
"""Instances of a body that the model lets ingest store in one step."""

_SECONDS_TO_BEGIN = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingesting:
    """How bodies are ingested: ``INGESTING_SOURCES`` says what each field is."""

    at_once: int
    at_first: int = 5
    more_a_minute: int = 300
    seconds_a_gb: float = 13
    queue: float = 1.0
    poll: float = 2.0
    pauses: tuple[float, ...] = (60, 240, 960, 3840)
    timeout: float = 900


_SCALING = (
    "[Configuring scaling behavior for SQS event source mappings]"
    "(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html)"
)

INGESTING_SOURCES: dict[str, tuple[str, str]] = {
    "at_once": ("bodies that are ingested at the same time", "`MaxSimultaneousIngests`"),
    "at_first": ("of them, how many Lambda begins with", _SCALING),
    "more_a_minute": ("how many more it takes each minute", _SCALING),
    "seconds_a_gb": (
        "seconds of ingest for a GB without the waits for AWS",
        "measured: [operations.md](operations.md#large-requests)",
    ),
    "queue": ("seconds from the end of a PUT until its message is in the queue", ASSUMED),
    "poll": ("seconds between two looks at an upload", CODE),
    "pauses": ("seconds before each further attempt at a body", CODE),
    "timeout": ("seconds of the function", CODE),
}


def run(  # noqa: PLR0913 - a run has these parts
    body: Workload,
    senders: int,
    limits: Limits,
    ingesting: Ingesting,
    *,
    seconds: float,
    run_in: float,
) -> Got:
    """Let ``senders`` upload bodies for a while; the same arguments give the same figures."""
    seed = zlib.crc32(f"{body.name} {ingesting.at_once} {senders}".encode())
    clock = simpy.Environment()
    chance = Random(seed)
    # The deadline of an attempt is ingest's, and not that of a request.
    deployment = Deployment(clock, replace(limits, to_answer=ingesting.timeout), chance)
    got = Got(senders, seconds)
    large = _LargePath(
        clock=clock,
        deployment=deployment,
        body=body,
        limits=limits,
        ingesting=ingesting,
        chance=chance,
        got=got,
        run_in=run_in,
    )
    clock.process(large.scale())
    for _ in range(senders):
        clock.process(large.send())
    clock.run(run_in)
    deployment.account.refused.clear()
    large.waited = large.ingested = 0.0
    clock.run(run_in + seconds)
    got.refused = deployment.account.refused
    if large.waited > large.ingested:
        got.queue = "MaxSimultaneousIngests"
    return got


@dataclass(kw_only=True)
class _LargePath:
    clock: simpy.Environment
    deployment: Deployment
    body: Workload
    limits: Limits
    ingesting: Ingesting
    chance: Random
    got: Got
    run_in: float
    waited: float = 0.0
    ingested: float = 0.0

    def __post_init__(self) -> None:
        """Begin with as many bodies at once as Lambda does."""
        self.first = min(self.ingesting.at_first, self.ingesting.at_once)
        self.free = simpy.Container(self.clock, init=self.first)

    def scale(self) -> Generator[simpy.Event, None, None]:
        """Let Lambda read more of the queue at once, minute by minute."""
        running = self.first
        while running < self.ingesting.at_once:
            yield self.clock.timeout(60)
            more = min(self.ingesting.more_a_minute, self.ingesting.at_once - running)
            running += more
            yield self.free.put(more)

    def send(self) -> Generator[simpy.Event, None, None]:
        """Upload bodies, one after the other."""
        yield self.clock.timeout(self.chance.uniform(0, _SECONDS_TO_BEGIN))
        while True:
            began = self.clock.now
            size = self.body.instances * self.body.size
            yield self.clock.timeout(size / self.limits.uplink + self.ingesting.queue)
            partition = self.chance.choice(self.deployment.partitions)
            stored = yield from self._attempts(partition)
            yield self.clock.timeout(self.chance.uniform(0, self.ingesting.poll))
            if self.clock.now > self.run_in:
                took = self.clock.now - began
                (self.got.stored if stored else self.got.given_up).append(took)
                self.got.answers.append(took)

    def _attempts(self, partition: Partition) -> Generator[simpy.Event, None, bool]:
        left = self.body.instances
        for pause in (0.0, *self.ingesting.pauses):
            if pause:
                yield self.clock.timeout(pause)
            waits = self.clock.now
            yield self.free.get(1)
            begins = self.clock.now
            stored = yield from self._ingest(left, partition)
            yield self.free.put(1)
            self.waited += begins - waits
            self.ingested += self.clock.now - begins
            left -= stored
            if self.clock.now > self.run_in:
                self.got.instances += stored
            if not left:
                return True
        return False

    def _ingest(self, count: int, partition: Partition) -> Generator[simpy.Event, None, int]:
        """Read a body and store the ``count`` instances that are not stored yet."""
        deadline = self.clock.now + self.ingesting.timeout
        steps = math.ceil(self.body.instances / _TOGETHER)
        takes = self.body.instances * self.body.size / 1e9 * self.ingesting.seconds_a_gb
        stored = 0
        for step in range(steps):
            together = count * (step + 1) // steps - count * step // steps
            yield self.clock.timeout(takes / steps)
            put = yield from self.deployment.put(together)
            stored += yield from self.deployment.write(put, partition, put, deadline)
        return stored

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
    large = _LargePath(clock, deployment, body, limits, ingesting, chance, got, run_in)
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


class _LargePath:
    def __init__(  # noqa: PLR0913, PLR0917 - the parts of one run
        self,
        clock: simpy.Environment,
        deployment: Deployment,
        body: Workload,
        limits: Limits,
        ingesting: Ingesting,
        chance: Random,
        got: Got,
        run_in: float,
    ) -> None:
        self.waited = self.ingested = 0.0
        self._clock = clock
        self._deployment = deployment
        self._body = body
        self._limits = limits
        self._ingesting = ingesting
        self._chance = chance
        self._got = got
        self._run_in = run_in
        self._first = min(ingesting.at_first, ingesting.at_once)
        self._free = simpy.Container(clock, init=self._first)

    def scale(self) -> Generator[simpy.Event, None, None]:
        """Let Lambda read more of the queue at once, minute by minute."""
        running = self._first
        while running < self._ingesting.at_once:
            yield self._clock.timeout(60)
            more = min(self._ingesting.more_a_minute, self._ingesting.at_once - running)
            running += more
            yield self._free.put(more)

    def send(self) -> Generator[simpy.Event, None, None]:
        """Upload bodies, one after the other."""
        yield self._clock.timeout(self._chance.uniform(0, _SECONDS_TO_BEGIN))
        while True:
            began = self._clock.now
            size = self._body.instances * self._body.size
            yield self._clock.timeout(size / self._limits.uplink + self._ingesting.queue)
            partition = self._chance.choice(self._deployment.partitions)
            stored = yield from self._attempts(partition)
            yield self._clock.timeout(self._chance.uniform(0, self._ingesting.poll))
            if self._clock.now > self._run_in:
                took = self._clock.now - began
                (self._got.stored if stored else self._got.given_up).append(took)
                self._got.answers.append(took)

    def _attempts(self, partition: Partition) -> Generator[simpy.Event, None, bool]:
        left = self._body.instances
        for pause in (0.0, *self._ingesting.pauses):
            if pause:
                yield self._clock.timeout(pause)
            waits = self._clock.now
            yield self._free.get(1)
            begins = self._clock.now
            stored = yield from self._ingest(left, partition)
            yield self._free.put(1)
            self.waited += begins - waits
            self.ingested += self._clock.now - begins
            left -= stored
            if self._clock.now > self._run_in:
                self._got.instances += stored
            if not left:
                return True
        return False

    def _ingest(self, count: int, partition: Partition) -> Generator[simpy.Event, None, int]:
        """Read a body and store the ``count`` instances that are not stored yet."""
        deadline = self._clock.now + self._ingesting.timeout
        steps = math.ceil(self._body.instances / _TOGETHER)
        takes = self._body.instances * self._body.size / 1e9 * self._ingesting.seconds_a_gb
        stored = 0
        for step in range(steps):
            together = count * (step + 1) // steps - count * step // steps
            yield self._clock.timeout(takes / steps)
            put = yield from self._deployment.put(together)
            stored += yield from self._deployment.write(put, partition, put, deadline)
        return stored

"""Senders, each with one request at a time, and what they get."""

import zlib
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from random import Random

import simpy

from tests.bench.scale.aws import Partition
from tests.bench.scale.model import Deployment
from tests.bench.scale.parameters import Limits, Workload

_SECONDS_TO_BEGIN = 1.0
_STUDY_INSTANCES = 500
_ITEMS_OF_A_NEW_STUDY = 2


@dataclass(slots=True)
class Got:
    """What senders got while they were watched.

    ``answers`` are the seconds of each request that was answered, whatever with; ``stored`` the
    seconds from the first try at a request until all of it was stored; ``given_up`` those of
    requests that were given up. ``queue`` is the limit for which most of the time was waited.
    """

    senders: int
    seconds: float
    instances: int = 0
    unavailable: int = 0
    answers: list[float] = field(default_factory=list)
    stored: list[float] = field(default_factory=list)
    given_up: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    queue: str = ""

    @property
    def rate(self) -> float:
        """Instances a second."""
        return self.instances / self.seconds

    @property
    def binding(self) -> str:
        """The limit that refused most, if it all came to one refusal for a hundred instances.

        Otherwise that of a queue in which most of the time was waited, or none.
        """
        if self.refused.total() * 100 >= self.instances:
            return self.refused.most_common(1)[0][0]
        return self.queue or "-"

    @property
    def requests(self) -> list[float]:
        """The seconds of each request that ended, whether it was stored or given up."""
        return self.stored + self.given_up


def percentile(seconds: list[float], percent: float) -> float:
    """Return a percentile, by the nearest rank; NaN of nothing."""
    if not seconds:
        return float("nan")
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def run(
    workload: Workload,
    senders: int,
    limits: Limits,
    *,
    seconds: float,
    run_in: float,
) -> Got:
    """Let ``senders`` run in, and watch them; the same arguments give the same figures."""
    seed = zlib.crc32(f"{workload.name} {workload.one_study} {senders}".encode())
    clock = simpy.Environment()
    chance = Random(seed)
    watched = Got(senders, seconds)
    deployment = Deployment(clock, limits, chance)
    crowd = _Senders(
        clock=clock,
        deployment=deployment,
        workload=workload,
        limits=limits,
        chance=chance,
        got=watched,
        run_in=run_in,
    )
    for _ in range(senders):
        clock.process(crowd.send())
    clock.run(run_in)
    deployment.account.refused.clear()
    clock.run(run_in + seconds)
    watched.refused = deployment.account.refused
    return watched


@dataclass(kw_only=True)
class _Senders:
    clock: simpy.Environment
    deployment: Deployment
    workload: Workload
    limits: Limits
    chance: Random
    got: Got
    run_in: float

    def send(self) -> Generator[simpy.Event, None, None]:
        """Send requests, one after the other, as one connection of ``stowport send`` does."""
        yield self.clock.timeout(self.chance.uniform(0, _SECONDS_TO_BEGIN))
        partition, left = self.deployment.partitions[0], 0
        while True:
            shared = 0
            if not self.workload.one_study and left <= 0:
                partition = self.chance.choice(self.deployment.partitions)
                left, shared = _STUDY_INSTANCES, _ITEMS_OF_A_NEW_STUDY
            began = self.clock.now
            stored = yield from self._request(partition, shared)
            left -= self.workload.instances
            if self.clock.now > self.run_in:
                took = self.clock.now - began
                (self.got.stored if stored else self.got.given_up).append(took)

    def _request(self, partition: Partition, shared: int) -> Generator[simpy.Event, None, bool]:
        """Send a request until all its instances are stored; tell whether they are."""
        left, tries = self.workload.instances, 0
        while left:
            began = self.clock.now
            sent = left * self.workload.size / self.limits.uplink
            yield self.clock.timeout(sent + self.limits.gateway)
            stored = yield from self.deployment.post(self.workload, left, partition, shared)
            self._answered(began, stored)
            left -= stored
            tries = 0 if stored else tries + 1
            if tries == self.limits.tries:
                return False
            if tries:
                backoff = min(self.limits.first_delay * 2 ** (tries - 1), self.limits.last_delay)
                pause = self.limits.retry_after + backoff * self.chance.uniform(0.5, 1)
                yield self.clock.timeout(pause)
        return True

    def _answered(self, began: float, stored: int) -> None:
        if self.clock.now > self.run_in:
            self.got.instances += stored
            self.got.unavailable += not stored
            self.got.answers.append(self.clock.now - began)

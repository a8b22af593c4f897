"""The scenarios of docs/scale.md, and the runs that they take."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache

from tests.bench.scale import senders, uploads
from tests.bench.scale.parameters import BODY, WORKLOADS, Limits, Workload
from tests.bench.scale.senders import Got
from tests.bench.scale.uploads import Ingesting

SENDERS = (10, 100, 1000)
BETWEEN = (30, 300)
"""Further points of the curves."""

_SOON, _SECONDS, _MINUTE = (15.0, 10.0), (30.0, 20.0), (60.0, 40.0)
_MINUTES, _LONG = (120.0, 60.0), (900.0, 500.0)
"""How many seconds a run is watched, and how many it runs in before."""

DEFAULT = Limits()
RESERVED = replace(DEFAULT, reserved=50)
PARTITIONED = replace(DEFAULT, prefix_puts=5 * DEFAULT.prefix_puts)
WARM = replace(PARTITIONED, partitions=20, index_write_units=20_000)
RAISED = replace(WARM, concurrency=3000)

AT_ONCE = {4: (2700.0, 2500.0), 20: (900.0, 600.0), 100: (500.0, 400.0)}
"""``MaxSimultaneousIngests``, and how long each is watched and runs in."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """``senders`` that send requests of a workload to a deployment with ``limits``."""

    workload: Workload
    senders: int
    limits: Limits = DEFAULT

    def run(self) -> Got:
        seconds, run_in = self._watched()
        return senders.run(self.workload, self.senders, self.limits, seconds=seconds, run_in=run_in)

    def _watched(self) -> tuple[float, float]:
        """Return times that are longer than what it takes until almost all is stored."""
        if self.senders <= 100:
            return _SECONDS
        if self.workload.name == "tiny100":
            return _LONG if self.workload.one_study else _MINUTES
        if self.limits.reserved:
            return _MINUTES
        if self.workload.one_study:
            return _MINUTE
        return _SOON if self.limits.partitions > DEFAULT.partitions else _SECONDS


@dataclass(frozen=True, slots=True)
class Upload:
    """``senders`` that upload bodies, of which ``at_once`` are ingested at the same time."""

    at_once: int
    senders: int

    def run(self) -> Got:
        seconds, run_in = AT_ONCE[self.at_once]
        ingesting = Ingesting(at_once=self.at_once)
        return uploads.run(BODY, self.senders, DEFAULT, ingesting, seconds=seconds, run_in=run_in)


@cache
def workloads() -> tuple[Workload, ...]:
    """Return each workload with a study for each sender, and with one study for all."""
    own = WORKLOADS.values()
    return (*own, *(replace(each, one_study=True) for each in own))


GOT = [Scenario(workload, number) for workload in workloads() for number in SENDERS]
CURVES = [Scenario(workload, number) for workload in workloads() for number in BETWEEN]
HELD = [
    Scenario(workload, number, RESERVED) for workload in WORKLOADS.values() for number in SENDERS
]
MOVED = {
    "the defaults": Scenario(WORKLOADS["ct8"], 1000),
    "the bucket divided into five by S3": Scenario(WORKLOADS["ct8"], 1000, PARTITIONED),
    "and warm throughput of 20,000 write units": Scenario(WORKLOADS["ct8"], 1000, WARM),
    "the same": Scenario(WORKLOADS["ct1"], 1000, WARM),
    "and a concurrency of 3,000": Scenario(WORKLOADS["ct1"], 1000, RAISED),
    "a region with 2,500 requests a second": Scenario(
        WORKLOADS["ct1"], 1000, replace(DEFAULT, api_rate=2500, api_burst=1250)
    ),
    "a new account with a concurrency of 10": Scenario(
        WORKLOADS["ct8"], 100, replace(DEFAULT, concurrency=10)
    ),
}
"""What moves the limits: in the first five each is raised after those before it."""

LARGE = [Upload(at_once, number) for at_once in AT_ONCE for number in SENDERS]


def run_all(scenarios: Iterable[Scenario | Upload]) -> Mapping[Scenario | Upload, Got]:
    """Run scenarios, as many at the same time as there are processors."""
    different = list(dict.fromkeys(scenarios))
    # Those that take longest come first.
    different.sort(key=lambda each: -each.senders)
    with ProcessPoolExecutor() as pool:
        return dict(zip(different, pool.map(_run, different), strict=True))


def _run(scenario: Scenario | Upload) -> Got:
    return scenario.run()

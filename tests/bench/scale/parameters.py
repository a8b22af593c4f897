"""What the model is fed with: AWS's published limits, durations, and requests.

``SOURCES`` says for each field of ``Limits`` where it is from. Durations that were measured are
read from docs/performance.md; what is marked as assumed nobody has measured.
"""

from dataclasses import dataclass
from functools import cache

from archive.clients import ATTEMPTS, CONNECTIONS
from store.handler import SECONDS_TO_ANSWER
from stowport.packing import LIMIT, MAX_PARTS
from stowport.transport import FIRST_DELAY, TRIES
from tests.bench.instances import CASES
from tests.bench.latencies import LATENCIES, Latency
from tests.cost import drivers
from tests.statement.pages import table
from tests.template.parts import FUNCTIONS, PARAMETERS
from transaction.gateway import RETRY_AFTER_SECONDS

_PAGE = drivers.PERFORMANCE.read_text("utf-8")


def _default(parameter: str) -> int:
    return int(PARAMETERS[parameter]["Default"])


def _cold_start() -> float:
    (wall,) = (row[2] for row in table(_PAGE, "first answer of", "CPU") if row[0] == "store")
    return _median(wall) / 1000


def _median(cell: str) -> float:
    return float(cell.split(" ", 1)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits and durations, in seconds and bytes; ``SOURCES`` says what each is."""

    api_rate: float = _default("MaxRequestsPerSecond")
    api_burst: float = _default("MaxRequestBurst")
    concurrency: int = 1000
    reserved: int | None = None
    environment_rate: float = 10
    environments_in_10_s: int = 1000
    partitions: int = 4
    partition_write_units: int = 1000
    partition_read_units: int = 3000
    index_write_units: int = 4000
    prefix_puts: int = 3500

    gateway: float = 0.010
    uplink: float = 12.5e6
    authorizer: float = drivers.ASSUMED["authorizer_seconds"]
    authorizer_start: float = 0.25
    store_start: float = _cold_start()
    read: Latency = LATENCIES["BatchGetItem"]
    write: Latency = LATENCIES["BatchExecuteStatement"]
    put: Latency = LATENCIES["PutObject"]

    to_answer: float = FUNCTIONS["StoreFunction"]["Timeout"] - SECONDS_TO_ANSWER
    attempts: int = ATTEMPTS
    connections: int = CONNECTIONS
    keys_a_read: int = 100
    items_an_insert: int = 25
    tries: int = TRIES
    retry_after: float = float(RETRY_AFTER_SECONDS)
    first_delay: float = FIRST_DELAY
    last_delay: float = 60


_DOCS = "https://docs.aws.amazon.com"
_DYNAMODB = f"{_DOCS}/amazondynamodb/latest/developerguide"
_QUOTAS_OF_API_GATEWAY = (
    f"[Amazon API Gateway quotas]({_DOCS}/apigateway/latest/developerguide/limits.html)"
)
_QUOTAS_OF_LAMBDA = f"[Lambda quotas]({_DOCS}/lambda/latest/dg/gettingstarted-limits.html)"
_SCALING = f"[Lambda scaling behavior]({_DOCS}/lambda/latest/dg/scaling-behavior.html)"
_PARTITION = (
    f"[DynamoDB warm throughput in different scenarios]({_DYNAMODB}/warm-throughput-scenarios.html)"
)
_ON_DEMAND = f"[DynamoDB on-demand capacity mode]({_DYNAMODB}/on-demand-capacity-mode.html)"
_PERFORMANCE_OF_S3 = (
    f"[optimizing Amazon S3 performance]({_DOCS}/AmazonS3/latest/userguide/"
    "optimizing-performance.html)"
)
ASSUMED = "assumed"
_LATENCIES = f"{ASSUMED}, [183](decisions/0183-aws-takes-its-time.md)"
_MEASURED = "measured: [performance.md](performance.md#cold-start)"
CODE = "this project's code"

SOURCES: dict[str, tuple[str, str]] = {
    "api_rate": ("requests a second, account and region", _QUOTAS_OF_API_GATEWAY),
    "api_burst": ("requests at once beyond that", _QUOTAS_OF_API_GATEWAY),
    "concurrency": ("environments at work, account and region", _QUOTAS_OF_LAMBDA),
    "reserved": ("reserved concurrency of the store function", "`MaxSimultaneousRequests`"),
    "environment_rate": ("requests a second of an environment", _QUOTAS_OF_LAMBDA),
    "environments_in_10_s": ("new environments of a function in 10 seconds", _SCALING),
    "partitions": (
        "partitions of a new table",
        f"{_ON_DEMAND}: 4,000 write units, of 1,000 each; *inferred*",
    ),
    "partition_write_units": ("write units a second of a partition", _PARTITION),
    "partition_read_units": ("read units a second of a partition", _PARTITION),
    "index_write_units": (
        "write units a second of a new secondary index",
        f"as of a new table, {_ON_DEMAND}; *not checked for an index*",
    ),
    "prefix_puts": (
        "PUTs a second of a partitioned prefix, here the whole bucket",
        _PERFORMANCE_OF_S3,
    ),
    "gateway": ("seconds of network and gateway for a request", ASSUMED),
    "uplink": ("bytes a second of a sender: 100 Mbit/s", ASSUMED),
    "authorizer": ("seconds of the authorizer", ASSUMED + ", as in [cost.md](cost.md)"),
    "authorizer_start": ("seconds of a cold start of the authorizer", ASSUMED),
    "store_start": ("seconds of a cold start of the store function", _MEASURED),
    "read": ("seconds of a read of DynamoDB, median and 99th percentile", _LATENCIES),
    "write": ("seconds of a batch of writes, or of a single one, likewise", _LATENCIES),
    "put": ("seconds of a PutObject, likewise", _LATENCIES),
    "to_answer": ("seconds until what is not stored is A700", CODE),
    "attempts": ("attempts of the function at a call", CODE),
    "connections": ("objects of a request that are put at the same time", CODE),
    "keys_a_read": ("items in a read", CODE),
    "items_an_insert": ("items in a batch of writes", CODE),
    "tries": ("tries of `stowport send` at a request", CODE),
    "retry_after": ("seconds of Retry-After", CODE),
    "first_delay": ("seconds that `stowport send` adds before the second try", CODE),
    "last_delay": ("the most that it adds; it doubles from try to try", CODE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Requests of ``instances`` of ``size`` bytes, of one study or of another for each sender.

    The processor takes ``fixed`` seconds for a request and ``each`` for an instance, at 1769 MiB.
    """

    name: str
    instances: int
    size: int
    fixed: float
    each: float
    one_study: bool = False

    def processor(self, count: int) -> float:
        """Return the processor time of a request with ``count`` instances."""
        return self.fixed + count * self.each

    def measured(self, limits: Limits) -> drivers.Measured:
        """Return what a request takes, for the formulas of docs/cost.md."""
        waves = -(-self.instances // limits.connections)
        batches = -(-self.instances // limits.items_an_insert)
        reads = -(-(self.instances + 2) // limits.keys_a_read)
        waits = limits.read.median * reads + limits.put.median * waves
        waits += limits.write.median * batches
        return drivers.Measured(
            self.instances,
            self.size,
            self.processor(self.instances) + waits,
            puts=self.instances,
            write_units=self.instances,
            read_units=self.instances + 2,
        )


@cache
def processor_seconds(case: str) -> float:
    """Return what a request of a case of docs/performance.md takes of the processor."""
    rows = table(_PAGE, "case", "connections")
    (cell,) = (row[2] for row in rows if row[:2] == [case, "1"])
    return _median(cell) / 1000 * CASES[case].instances


def _workloads() -> dict[str, Workload]:
    """Return the workloads by name. Pixels are all of an instance but 1,500 bytes."""
    ct = CASES["ct1"]
    size = ct.rows * ct.columns * 2 + 1500
    one, ten = processor_seconds("ct1"), processor_seconds("ct10")
    each = (ten - one) / (CASES["ct10"].instances - 1)
    fit = min(MAX_PARTS, LIMIT // (size + 200))
    tiny = CASES["tiny100"]
    tiny_each = (processor_seconds("tiny100") - (one - each)) / tiny.instances
    own = (
        Workload(name="ct1", instances=1, size=size, fixed=one - each, each=each),
        Workload(name=f"ct{fit}", instances=fit, size=size, fixed=one - each, each=each),
        Workload(
            name="tiny100",
            instances=tiny.instances,
            size=tiny.rows * tiny.columns * 2 + 1500,
            fixed=one - each,
            each=tiny_each,
        ),
    )
    return {each.name: each for each in own}


WORKLOADS = _workloads()

BODY = Workload(name="upload", instances=1000, size=WORKLOADS["ct1"].size, fixed=0, each=0)
"""What a sender uploads: a study of a thousand CTs in one body of 0.5 GB."""

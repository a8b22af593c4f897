"""The store transaction on AWS as discrete events: senders, gateway, functions, S3 and DynamoDB.

Each method that yields is a step of a simpy process. Nothing here is measured: durations and
limits are those of ``parameters``.
"""

import math
from collections.abc import Generator
from heapq import heapify, heapreplace
from random import Random
from typing import Any

import simpy

from tests.bench.scale.aws import Account, Bucket, Partition
from tests.bench.scale.parameters import Limits, Workload

Steps = Generator[simpy.Event, Any, int]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_PAUSE_REFUSED = 0.5


class Deployment:
    """A deployment of the service in an account that has nothing else."""

    def __init__(self, clock: simpy.Environment, limits: Limits, chance: Random) -> None:
        self.account = Account(limits)
        self.partitions = [Partition(limits) for _ in range(limits.partitions)]
        self._clock = clock
        self._limits = limits
        self._chance = chance
        self._requests = Bucket(limits.api_rate, limits.api_burst / limits.api_rate)
        self._index = Bucket(limits.index_write_units)
        self._prefix = Bucket(limits.prefix_puts)

    def post(self, workload: Workload, count: int, partition: Partition, shared: int) -> Steps:
        """Answer a request with ``count`` instances: return how many are stored, 0 with 503.

        ``shared`` are the study and series items that it has to write.
        """
        if not self._requests.take(self._clock.now, 1):
            self.account.refused["rate of API Gateway"] += 1
            return 0
        limits, account = self._limits, self.account
        if not (yield from self._authorize()):
            return 0
        began = self._clock.now
        starts = account.begin(account.store, began)
        if starts is None:
            return 0
        start = limits.store_start if starts else 0.0
        yield self._clock.timeout(start + workload.processor(count))
        stored = yield from self._keep(count, partition, shared, began + start + limits.to_answer)
        account.store.end(began, self._clock.now)
        return stored

    def _authorize(self) -> Steps:
        function, began = self.account.authorizer, self._clock.now
        starts = self.account.begin(function, began)
        if starts is None:
            return 0
        start = self._limits.authorizer_start if starts else 0.0
        yield self._clock.timeout(start + self._limits.authorizer)
        function.end(began, self._clock.now)
        return 1

    def _keep(self, count: int, partition: Partition, shared: int, deadline: float) -> Steps:
        """Read, put the objects and write study and series meanwhile, and write the instances."""
        for first in range(0, count + 2, self._limits.keys_a_read):
            keys = min(self._limits.keys_a_read, count + 2 - first)
            if not (yield from self._read(keys, partition, deadline)):
                return 0
        # Study and series are written while objects are put, so they take no further time.
        lacking = shared - self._written(shared, partition, 0)
        put = yield from self.put(count)
        yield from self.write(lacking, partition, 0, deadline)
        return (yield from self.write(put, partition, put, deadline))

    def _read(self, keys: int, partition: Partition, deadline: float) -> Steps:
        """Read items: those that DynamoDB leaves out again, and a call that it refuses twice."""
        refusals = parts = 0
        while True:
            read = partition.reads.take(self._clock.now, keys)
            keys -= read
            yield self._clock.timeout(self._limits.read.draw(self._chance, 0))
            if not keys:
                return 1
            self.account.refused["reads of a partition"] += 1
            if read:
                pause = min(_FIRST_PAUSE * 2**parts, _LONGEST_PAUSE)
                refusals, parts = 0, parts + 1
            else:
                pause = self._chance.uniform(0, _PAUSE_REFUSED * 2**refusals)
                refusals += 1
            if refusals == self._limits.attempts or self._clock.now + pause >= deadline:
                return 0
            yield self._clock.timeout(pause)

    def put(self, count: int) -> Steps:
        """Put objects; return how many are there after three attempts at most."""
        left = count
        for attempt in range(self._limits.attempts if count else 0):
            if attempt:
                yield self._clock.timeout(_FIRST_PAUSE * 2 ** (attempt - 1))
            put = self._prefix.take(self._clock.now, left)
            yield self._clock.timeout(self._puts(left))
            left -= put
            if not left:
                break
            self.account.refused["PUTs of a prefix"] += left
        return count - left

    def _puts(self, count: int) -> float:
        """Return how long objects take that are put over a limited number of connections."""
        limits = self._limits
        takes = [limits.put.draw(self._chance, 0) for _ in range(count)]
        if count <= limits.connections:
            return max(takes)
        ends = takes[: limits.connections]
        heapify(ends)
        for seconds in takes[limits.connections :]:
            heapreplace(ends, ends[0] + seconds)
        return max(ends)

    def write(self, count: int, partition: Partition, indexed: int, deadline: float) -> Steps:
        """Write items in batches, then one by one what a batch did not write; return how many."""
        limits = self._limits
        alone = 0
        for first in range(0, count, limits.items_an_insert):
            if self._clock.now >= deadline:
                return first - alone
            batch = min(limits.items_an_insert, count - first)
            alone += batch - self._written(batch, partition, indexed)
            yield self._clock.timeout(limits.write.draw(self._chance, 0))
        for attempt in range(limits.attempts):
            if not alone or self._clock.now >= deadline:
                break
            if attempt:
                pause = self._chance.uniform(0, _PAUSE_REFUSED * 2 ** (attempt - 1))
                yield self._clock.timeout(pause)
            turns = math.ceil(alone / limits.connections)
            alone -= self._written(alone, partition, indexed)
            takes = (limits.write.draw(self._chance, 0) for _ in range(turns))
            yield self._clock.timeout(sum(takes))
        return count - alone

    def _written(self, count: int, partition: Partition, indexed: int) -> int:
        """Return how many items DynamoDB writes now; the index holds back the table."""
        refused = self.account.refused
        written = partition.writes.take(self._clock.now, count)
        if written < count:
            refused["writes of a partition"] += count - written
        if not indexed:
            return written
        in_index = self._index.take(self._clock.now, written)
        if in_index < written:
            refused["writes of the index by SOP Instance UID"] += written - in_index
        return in_index

"""What AWS refuses: rates as token buckets, and the concurrency of Lambda's functions."""

from collections import Counter
from heapq import heappop, heappush

from tests.bench.scale.parameters import Limits


class Bucket:
    """Gives ``rate`` tokens a second, and keeps as many as it gives in ``seconds``."""

    def __init__(self, rate: float, seconds: float = 1.0) -> None:
        self._rate = rate
        self._most = rate * seconds
        self._left = self._most
        self._filled = 0.0

    def take(self, now: float, wanted: int) -> int:
        """Return how many of the ``wanted`` tokens there are, and take them."""
        self._left = min(self._most, self._left + (now - self._filled) * self._rate)
        self._filled = now
        taken = min(wanted, int(self._left))
        self._left -= taken
        return taken


class Partition:
    """A partition of DynamoDB, which limits reads and writes independently of each other."""

    def __init__(self, limits: Limits) -> None:
        self.reads = Bucket(limits.partition_read_units)
        self.writes = Bucket(limits.partition_write_units)


class Function:
    """The environments of a function: those at work, those that rest and those that are idle.

    An environment serves at most so many requests a second, so it rests after a short one. It
    counts as concurrency until it is idle.
    """

    def __init__(self, limits: Limits, reserved: int | None = None) -> None:
        self.reserved = reserved
        self._least = 1 / limits.environment_rate
        self._new = Bucket(limits.environments_in_10_s / 10, seconds=10)
        self._at_work = 0
        self._idle = 0
        self._resting: list[float] = []

    def busy(self, now: float) -> int:
        """Return the concurrency of the function."""
        while self._resting and self._resting[0] <= now:
            heappop(self._resting)
            self._idle += 1
        return self._at_work + len(self._resting)

    def begin(self, now: float) -> bool | None:
        """Begin a request; tell whether an environment is to start, or None if none may."""
        if starts := not self._idle:
            if not self._new.take(now, 1):
                return None
        else:
            self._idle -= 1
        self._at_work += 1
        return starts

    def end(self, began: float, now: float) -> None:
        """End a request that began at ``began``."""
        self._at_work -= 1
        heappush(self._resting, max(now, began + self._least))


class Account:
    """The concurrency that the functions of an account share, and what was refused and why."""

    def __init__(self, limits: Limits) -> None:
        self.refused: Counter[str] = Counter()
        self.store = Function(limits, limits.reserved)
        self.authorizer = Function(limits)
        self._limit = limits.concurrency

    def begin(self, function: Function, now: float) -> bool | None:
        """Begin a request of ``function``; tell whether an environment starts, None if refused."""
        if function.reserved is not None:
            if function.busy(now) >= function.reserved:
                self.refused["reserved concurrency"] += 1
                return None
        elif self._unreserved_left(now) <= 0:
            self.refused["account concurrency"] += 1
            return None
        starts = function.begin(now)
        if starts is None:
            self.refused["scaling rate of Lambda"] += 1
        return starts

    def _unreserved_left(self, now: float) -> int:
        left = self._limit
        for function in (self.store, self.authorizer):
            left -= function.busy(now) if function.reserved is None else function.reserved
        return left

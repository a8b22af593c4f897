"""The threads of a request: one that stores each study, and those that put and write for it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import NamedTuple

from archive.clients import CONNECTIONS


class OfStudy(NamedTuple):
    """The pools of one study: one puts objects, the other makes the calls that are for one item."""

    putting: ThreadPoolExecutor
    writing: ThreadPoolExecutor


class Threads:
    """The pools of a request, which the next one can use unless they were ended.

    A thread that is there takes a task without delay. To start one, another has to wait until it
    runs, and for a single instance that costs a tenth of the processor time of its request.
    """

    def __init__(self) -> None:
        self.storing = _pool(CONNECTIONS)
        self._one_study = OfStudy(_pool(CONNECTIONS), _pool(CONNECTIONS))
        self._several: list[OfStudy] = []
        self.ended = False

    def of_studies(self, number: int) -> Sequence[OfStudy]:
        """Return the pools of each of ``number`` studies, which share the connections."""
        if number == 1:
            return [self._one_study]
        share = max(1, CONNECTIONS // number)
        self._several = [OfStudy(_pool(share), _pool(share)) for _ in range(number)]
        return self._several

    def end_unless(self, *, idle: bool) -> None:
        """End the pools without waiting, unless they are ``idle`` and those of one study."""
        if self._several or not idle:
            self._end(wait=False)

    def join(self) -> None:
        """End the pools and wait for their threads."""
        self._end(wait=True)

    def _end(self, *, wait: bool) -> None:
        self.ended = True
        for pool in (self.storing, *self._one_study, *chain.from_iterable(self._several)):
            pool.shutdown(wait=wait, cancel_futures=True)


def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="archive")

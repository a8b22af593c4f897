"""How many requests of a kind the relay has at a time, each with a thread of its own."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from stowport.relay.refusals import ServiceBusy

Result = TypeVar("Result")


class Places:
    """``count`` places; whoever finds none is refused, and does not wait."""

    def __init__(self, count: int, name: str) -> None:
        self.taken = 0
        self._count = count
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=name)

    @property
    def free(self) -> int:
        """How many places are left."""
        return self._count - self.taken

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place; raises ServiceBusy if there is none."""
        if not self.free:
            raise ServiceBusy(
                f"found {self._count} requests under way, which is as many as the relay takes at a"
                " time, send it again later"
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do the work in the thread of the place that was taken."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

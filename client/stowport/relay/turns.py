"""The order in which the parts of all requests are sent on.

Each request has a queue of its own, and the workers take from the queues in turn. So a request of
thousands of parts does not hold up one that has a single part.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Turns(Generic[Result]):
    """Workers, each of which does one piece of work at a time."""

    def __init__(self, workers: int, name: str) -> None:
        self._queues: deque[deque[tuple[Future[Result], Callable[[], Result]]]] = deque()
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix=name)

    def start(self, pieces: Sequence[Callable[[], Result]]) -> list[Future[Result]]:
        """Put the work of one request into a queue; return a future for each piece of it."""
        futures: list[Future[Result]] = [Future() for _ in pieces]
        if pieces:
            with self._lock:
                self._queues.append(deque(zip(futures, pieces, strict=True)))
        for _ in pieces:
            self._workers.submit(self._work)
        return futures

    def _work(self) -> None:
        """Do the piece whose turn it is, whichever request it was submitted with."""
        with self._lock:
            queue = self._queues.popleft()
            future, piece = queue.popleft()
            if queue:
                self._queues.append(queue)
        try:
            future.set_result(piece())
        except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
            future.set_exception(error)

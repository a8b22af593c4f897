"""Threads for requests, none of which can keep the program from ending."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

_SOON = 0.2
"""Seconds after which a waiting thread looks up, so that Ctrl-C is noticed on Windows too."""

Task = TypeVar("Task")


class Crew(Generic[Task]):
    """Does ``work`` in at most ``size`` threads at a time.

    They are daemons: a pool of concurrent.futures is waited for when the program ends, and a
    server may keep a request for as long as it likes.
    """

    def __init__(self, size: int, work: Callable[[Task], None]) -> None:
        self._size = size
        self._work = work
        self._busy = 0
        self._changed = threading.Condition()
        self._error: BaseException | None = None

    def hand(self, task: Task) -> None:
        """Start work on ``task`` as soon as there is a thread for it; raise what work raised."""
        self._wait(self._size - 1)
        with self._changed:
            self._busy += 1
        threading.Thread(target=self._do, args=(task,), daemon=True).start()

    def finish(self) -> None:
        """Wait for all threads; raise what work raised."""
        self._wait(0)

    def finish_within(self, seconds: float) -> None:
        """Wait for all threads, but no longer than ``seconds``."""
        end = time.monotonic() + seconds
        with self._changed:
            while self._busy and (left := end - time.monotonic()) > 0:
                self._changed.wait(min(left, _SOON))

    def _wait(self, most: int) -> None:
        with self._changed:
            while self._busy > most:
                self._changed.wait(_SOON)
        if self._error:
            raise self._error

    def _do(self, task: Task) -> None:
        try:
            self._work(task)
        except BaseException as error:  # noqa: BLE001 - the thread that hands out work raises it
            self._error = self._error or error
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

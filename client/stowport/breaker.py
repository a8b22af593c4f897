"""A circuit breaker over all requests: when one has shown that a server is down, no other waits."""

import threading
import time


class Breaker:
    """Remembers which servers answer.

    A server is down when a request to it has used up its tries, and no other request was answered
    since the first of them. It is up again with its next answer. Unless it ``trips``, no server
    counts as down.
    """

    def __init__(self, *, trips: bool) -> None:
        self.trips = trips
        self._lock = threading.Lock()
        self._answered: dict[str, float] = {}
        self._down: dict[str, str] = {}

    def answered(self, server: str) -> None:
        """Note an answer other than the one to come back later."""
        with self._lock:
            self._answered[server] = time.monotonic()
            self._down.pop(server, None)

    def used_up(self, server: str, since: float, fault: str) -> None:
        """Note that the tries of a request are used up, of which the first one was ``since``."""
        with self._lock:
            if self.trips and self._answered.get(server, since) <= since:
                self._down[server] = fault

    def fault_of(self, server: str) -> str:
        """Return what is wrong with the server, if it is down."""
        with self._lock:
            return self._down.get(server, "")

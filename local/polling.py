"""Pauses between questions of whether there is something to do.

moto asks itself a hundred times a second while it lets a receiver wait (long polling), and each
service of the laptop has half a dozen receivers. So they do not wait there, but here.
"""

from threading import Event

_SHORTEST_SECONDS = 0.05
_LONGEST_SECONDS = 2.0


class Pauses:
    """Pauses that are short after something was found, and twice as long each time nothing is."""

    def __init__(self, stopped: Event) -> None:
        self._stopped = stopped
        self._seconds = _SHORTEST_SECONDS

    def after(self, *, found: bool) -> None:
        """Wait after a question, or until ``stopped``; not at all if something was ``found``."""
        if found:
            self._seconds = _SHORTEST_SECONDS
        else:
            self._stopped.wait(self._seconds)
            self._seconds = min(self._seconds * 2, _LONGEST_SECONDS)

"""A limit on the time that is spent on one instance, which may be as large as a request."""

from collections.abc import Callable
from math import inf

from dicomweb.errors import OutOfTime

_STEPS_BETWEEN_LOOKS = 256


class TimeLimit:
    """Ends the work on an instance when the time of its request has ended.

    ``seconds_left`` tells how much time the request has left.
    """

    def __init__(self, seconds_left: Callable[[], float] = lambda: inf) -> None:
        self._seconds_left = seconds_left
        self._steps = 0

    def check(self) -> None:
        """Count one step; raise OutOfTime if the time has ended. Not every step looks at it."""
        self._steps += 1
        if self._steps % _STEPS_BETWEEN_LOOKS == 0 and self._seconds_left() <= 0:
            raise OutOfTime


FOREVER = TimeLimit()

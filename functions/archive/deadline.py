"""The time that a request has left, and pauses within it."""

import time

from archive.errors import out_of_time

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0


class Deadline:
    """A moment ``seconds`` from now on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        """The seconds until the deadline; 0 once it has passed."""
        return max(0.0, self._end - time.monotonic())

    def check(self) -> None:
        """Raise ArchiveError (A700) once the deadline has passed."""
        if not self.seconds_left:
            raise out_of_time()

    def pause(self, attempt: int) -> None:
        """Wait before trying again after the ``attempt``-th attempt (from 0), longer each time.

        Raises ArchiveError (A700) if the deadline comes first.
        """
        seconds = min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS)
        if seconds >= self.seconds_left:
            raise out_of_time()
        time.sleep(seconds)

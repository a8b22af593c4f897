"""The threads of ``archive``, which stay for the next request when they have nothing to do."""

import sys
import time
from threading import enumerate as threads


def busy() -> bool:
    """Tell whether a thread of the archive is doing anything but wait for a task."""
    frames = sys._current_frames()
    doing = [frames.get(each.ident or 0) for each in threads() if each.name.startswith("archive")]
    return any(frame and frame.f_code.co_name != "_worker" for frame in doing)


def wait_for_writers() -> None:
    """Wait until the threads that a request or a deadline left behind have nothing to do.

    A thread may be about to begin its task, so the wait ends only when all are idle twice.
    """
    idle = 0
    while idle < 2:
        time.sleep(0.005)
        idle = 0 if busy() else idle + 1

"""A test that starts a process has to say so."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

NOTHING = [sys.executable, "-c", ""]


def in_a_process_that_is(method: str) -> Callable[[], object]:
    return multiprocessing.get_context(method).Process(target=int).start  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    "start",
    [
        lambda: subprocess.run(NOTHING, check=True),
        lambda: os.posix_spawn(NOTHING[0], NOTHING, {}),
        lambda: os.system("true"),
        os.fork,
        in_a_process_that_is("fork"),
        in_a_process_that_is("spawn"),
        in_a_process_that_is("forkserver"),
    ],
    ids=["subprocess", "posix_spawn", "system", "os.fork", "fork", "spawn", "forkserver"],
)
def test_a_test_without_the_mark_starts_no_process(start: Callable[[], object]) -> None:
    with pytest.raises(AssertionError, match="so it needs the mark: process"):
        start()

"""The progress bar: instances, bytes, rate, time left, and waiting, only on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from stowport.printing import printable


class Meter:
    """Counts instances that are done with, and bytes that were sent."""

    def __init__(self, progress: Progress, instances: int, size: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=size, done=0, instances=instances, said="")
        self._done = 0

    def count(self, size: int) -> None:
        """Count bytes that were sent, or take back those of a failed try."""
        self._progress.advance(self._task, size)

    def done(self, instances: int) -> None:
        """Count instances about which the server has answered."""
        self._done += instances
        self._progress.update(self._task, done=self._done)

    def say(self, text: str) -> None:
        """Show what is waited for, "" if nothing is."""
        self._progress.update(self._task, said=printable(text))


@contextmanager
def metered(console: Console, instances: int, size: int) -> Iterator[Meter]:
    """Show the bar for as long as the block runs."""
    with Progress(
        TextColumn("{task.fields[done]}/{task.fields[instances]} instances"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[said]}", markup=False, style="yellow"),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        yield Meter(progress, instances, size)

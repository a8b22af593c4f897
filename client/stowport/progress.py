"""The progress bar: instances, bytes, rate, time left, and waiting, only on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from stowport.printing import printable

_NARROW = 66


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


class _Lines(Progress):
    """The bar, and what is waited for in a line of its own, which is cut at the right edge."""

    def get_renderables(self) -> Iterator[RenderableType]:
        """Yield the lines as they are to be shown now."""
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            if said := task.fields["said"]:
                yield Text(said, style="yellow", no_wrap=True, overflow="ellipsis")


def _columns(width: int) -> list[ProgressColumn]:
    """Return what fits: on a narrow terminal only counts, bytes and the time left."""
    counts = "{task.fields[done]}/{task.fields[instances]}"
    if width < _NARROW:
        return [TextColumn(counts), DownloadColumn(), TimeRemainingColumn(compact=True)]
    return [
        TextColumn(f"{counts} instances"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    ]


@contextmanager
def metered(console: Console, instances: int, size: int) -> Iterator[Meter]:
    """Show the bar for as long as the block runs."""
    with _Lines(
        *_columns(console.width),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        yield Meter(progress, instances, size)

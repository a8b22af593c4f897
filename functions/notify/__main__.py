"""``python -m notify --bucket NAME --table NAME``: tell again of what is in the index.

For what could not be told when it was stored, and for who wants to hear of what was stored before.
With ``--trail``, audit messages are written again instead of events. Prints a line for each study,
with its UID. It may be run as often as one likes.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from archive.auditlog import AuditLog
from archive.buses import EventBus
from archive.commits import Commit
from archive.items import Item
from archive.partitions import Partitions
from archive.storedinstances import is_instance
from notify import transfers
from notify.events import instances_stored, named_attributes
from notify.records import batches
from notify.settings import read_attributes

FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if everything was told, 1 if the bus did not take some of it."""
    chosen = _parser().parse_args(arguments)
    if chosen.trail:
        _write_trail(chosen)
        return 0
    keywords = read_attributes(chosen.attributes)
    index, bus = Partitions(chosen.table), EventBus(chosen.bus)
    refused = 0
    for study, commits in _studies(_items(index, chosen.study, chosen.since)):
        attributes = named_attributes(index.study(study), keywords) if keywords else {}
        events = [
            event
            for batch in batches(commits)
            for event in instances_stored(batch, chosen.bucket, attributes)
        ]
        failed = len(bus.put(events))
        refused += failed
        text = f"{study}: {len(commits)} instances, {len(events) - failed} of {len(events)} events"
        sys.stdout.write(f"{text}\n")
    return FAILED if refused else 0


def _write_trail(chosen: argparse.Namespace) -> None:
    index, trail = Partitions(chosen.table), AuditLog(chosen.trail)
    for study, commits in _studies(_items(index, chosen.study, chosen.since)):
        item = index.study(study)
        messages = [
            message
            for batch in batches(commits)
            for message in transfers.messages(batch, chosen.source, item)
        ]
        trail.write(messages)
        sys.stdout.write(f"{study}: {len(commits)} instances, {len(messages)} audit messages\n")


def _items(index: Partitions, studies: Sequence[str], since: str) -> Iterator[Item]:
    if not studies:
        yield from index.instances_since(since)
    for study in studies:
        yield from filter(is_instance, index.items(study))


def _studies(items: Iterable[Item]) -> Iterator[tuple[str, list[Commit]]]:
    for study, group in groupby(items, lambda item: item["StudyInstanceUID"]["S"]):
        yield study, list(map(Commit.of, group))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m notify", description="Tell again of what is in the index."
    )
    parser.add_argument("--bucket", required=True, help="the archive's bucket")
    parser.add_argument("--table", required=True, help="the index table")
    parser.add_argument("--bus", default="default", help="the event bus, as deployed")
    parser.add_argument("--attributes", default="", help="EventAttributes, as deployed")
    parser.add_argument("--trail", default="", help="the log group of the audit trail")
    parser.add_argument("--source", default="", help="with --trail: the name of the stack")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--study", nargs="+", default=[], help="the UIDs of studies")
    chosen.add_argument("--since", default="", help="what was stored since, such as 2026-11-28T10")
    return parser


if __name__ == "__main__":
    sys.exit(main())

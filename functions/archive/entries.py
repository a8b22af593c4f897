"""What a request has to store: its instances, and what each of them needs in the index."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from archive.copies import Source
    from archive.items import ItemKey
    from archive.shared import SharedItem
    from dicomweb.instances import SOPInstance


@dataclass(slots=True)
class Identity:
    """An instance's UIDs, and the digest (hex) of the bytes that are stored under them."""

    key: "ItemKey"
    sha256: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """An instance of the request, its digest (hex), the items it needs, where in S3 it is.

    ``outcome`` is done when it is durable or known not to be.
    """

    instance: "SOPInstance"
    sha256: str
    identity: Identity
    study: "SharedItem"
    series: "SharedItem"
    source: "Source | None"
    outcome: "Future[None]"


def turns(entries: "Sequence[Entry]") -> "Iterator[list[Entry]]":
    """Give ``entries`` in turns: those of the same UIDs one after the other, in their order."""
    waiting = list(entries)
    while waiting:
        turn: dict[ItemKey, Entry] = {}
        for entry in waiting:
            turn.setdefault(entry.identity.key, entry)
        yield list(turn.values())
        waiting = [entry for entry in waiting if turn[entry.identity.key] is not entry]

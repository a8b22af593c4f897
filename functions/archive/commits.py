"""The commits: what the item of an instance says was stored, and by which request."""

from dataclasses import dataclass
from typing import Any

from archive.items import Item, Provenance
from archive.storedinstances import StoredInstance


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit(StoredInstance):
    """A stored instance, and how it came to be stored.

    ``version`` is how many items it has replaced, and ``stored`` when, UTC, ISO 8601.
    """

    version: int
    stored: str
    provenance: Provenance | None

    @classmethod
    def _fields(cls, item: Item) -> dict[str, Any]:
        return {
            **StoredInstance._fields(item),
            "version": int(item.get("Version", {"N": "0"})["N"]),
            "stored": item["Stored"]["S"],
            "provenance": Provenance.of(item),
        }

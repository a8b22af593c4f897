"""The records of the table's stream: which of them are commits, and what belongs together.

Lambda's event for DynamoDB Streams:
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archive.commits import Commit
from archive.items import VERSION_ATTRIBUTES, Provenance
from archive.storedinstances import is_instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Instances of one study that one request has stored, at least one.

    ``first`` is the sequence number of the first record in the stream; empty if they were read from
    the table.
    """

    study_instance_uid: str
    provenance: Provenance | None
    commits: list[Commit]
    first: str = ""


def is_commit(record: Mapping[str, Any]) -> bool:
    """Tell whether the ``record`` says that an instance was stored, or stored in place of another.

    An item that was changed in some other way was told before, and one that was deleted is gone.
    """
    change = record["dynamodb"]
    if "NewImage" not in change or not is_instance(change["Keys"]):
        return False
    new, old = change["NewImage"], change.get("OldImage", {})
    return any(new.get(name) != old.get(name) for name in VERSION_ATTRIBUTES)


def sequence_number(record: Mapping[str, Any]) -> str:
    """Return the number of the ``record``, by which Lambda continues in the stream."""
    number: str = record["dynamodb"]["SequenceNumber"]
    return number


def batches(commits: Sequence[Commit], numbers: Sequence[str] = ()) -> list[Batch]:
    """Return ``commits`` by study and request, in the order of the first of each.

    ``numbers`` are the sequence numbers of their records, if they have any.
    """
    found: dict[tuple[str, Provenance | None], Batch] = {}
    for place, commit in enumerate(commits):
        key = commit.study_instance_uid, commit.provenance
        if key not in found:
            first = numbers[place] if numbers else ""
            found[key] = Batch(
                study_instance_uid=commit.study_instance_uid,
                provenance=commit.provenance,
                commits=[],
                first=first,
            )
        found[key].commits.append(commit)
    return list(found.values())

"""The commits: what the item of an instance says was stored, and by which request."""

from dataclasses import dataclass

from archive.items import Item, Provenance
from archive.objects import key_of

_INSTANCES = "instances/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A stored instance: ``size`` in bytes, ``sha256`` in hex, ``key`` of its object.

    ``version`` is how many items it has replaced, and ``stored`` when, UTC, ISO 8601.
    """

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    size: int
    sha256: str
    key: str
    version: int
    stored: str
    provenance: Provenance | None

    @classmethod
    def of(cls, item: Item) -> "Commit":
        """Read the item of an instance; raises KeyError or ValueError if it is none."""
        _, series, instance = item["Resource"]["S"].split("/")
        return cls(
            study_instance_uid=item["StudyInstanceUID"]["S"],
            series_instance_uid=series,
            sop_instance_uid=instance,
            sop_class_uid=item["SOPClassUID"]["S"],
            transfer_syntax_uid=item["TransferSyntaxUID"]["S"],
            size=int(item["Size"]["N"]),
            sha256=item["SHA256"]["S"],
            key=key_of(item),
            version=int(item.get("Version", {"N": "0"})["N"]),
            stored=item["Stored"]["S"],
            provenance=Provenance.of(item),
        )


def is_instance(item: Item) -> bool:
    """Tell whether ``item``, or its key, is that of an instance."""
    return item["Resource"]["S"].startswith(_INSTANCES)

"""Stored instances: what the item of an instance says of it (``archive.items``)."""

from dataclasses import dataclass
from typing import Any, Self

from archive import keys
from archive.items import Item

INSTANCES = "instances/"
"""What the ``Resource`` of an instance item begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInstance:
    """An instance as its item describes it; ``size`` in bytes, ``sha256`` in hex."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    size: int
    sha256: str

    @classmethod
    def of(cls, item: Item) -> Self:
        """Read the item of an instance; raises KeyError or ValueError if it is none."""
        return cls(**cls._fields(item))

    @classmethod
    def _fields(cls, item: Item) -> dict[str, Any]:
        """Return the values of the fields, by name; a class below has more of them."""
        _, series, instance = item["Resource"]["S"].split("/")
        return {
            "study_instance_uid": item["StudyInstanceUID"]["S"],
            "series_instance_uid": series,
            "sop_instance_uid": instance,
            "sop_class_uid": item["SOPClassUID"]["S"],
            "transfer_syntax_uid": item["TransferSyntaxUID"]["S"],
            "size": int(item["Size"]["N"]),
            "sha256": item["SHA256"]["S"],
        }

    @property
    def path(self) -> str:
        """The path of the instance below the base URL."""
        return (
            f"/studies/{self.study_instance_uid}/series/{self.series_instance_uid}"
            f"/instances/{self.sop_instance_uid}"
        )

    @property
    def media_type(self) -> str:
        """The media type of its bytes, in the form of PS3.18 8.7.3.5."""
        return f"application/dicom; transfer-syntax={self.transfer_syntax_uid}"

    @property
    def key(self) -> str:
        """The key of its object."""
        return keys.of(
            self.study_instance_uid, self.series_instance_uid, self.sop_instance_uid, self.sha256
        )


def is_instance(item: Item) -> bool:
    """Tell whether ``item``, or its key, is that of an instance."""
    return item["Resource"]["S"].startswith(INSTANCES)

"""A study as its partition of the index has it: what is counted, and since when it is quiet."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from archive.items import Item
from archive.storedinstances import is_instance

COUNTED = ("Resource", "Stored", "Size", "Modality")
"""The attributes of items that are read to count them."""

_SERIES = "series/"


@dataclass(slots=True)
class Series:
    """A series: its modality, empty if none was given, and how many instances it has."""

    modality: str = ""
    instances: int = 0


@dataclass(slots=True, kw_only=True)
class Study:
    """What is stored of a study: ``size`` in bytes.

    ``stored`` is when its newest instance was, UTC, ISO 8601; empty if it has no instance.
    """

    study_instance_uid: str
    stored: str = ""
    instances: int = 0
    size: int = 0
    series: dict[str, Series] = field(default_factory=dict)


def counted(study_instance_uid: str, items: Iterable[Item], until: float) -> Study | None:
    """Return the study with these ``items``, those of its partition.

    Returns None, without having come to all of them, if an instance was stored after ``until``
    (seconds since 1970).
    """
    study = Study(study_instance_uid=study_instance_uid)
    modalities: dict[str, str] = {}
    for item in items:
        resource = item["Resource"]["S"]
        if is_instance(item):
            stored = item["Stored"]["S"]
            if stored > study.stored:
                study.stored = stored
                if datetime.fromisoformat(stored).timestamp() > until:
                    return None
            study.instances += 1
            study.size += int(item["Size"]["N"])
            study.series.setdefault(resource.split("/")[1], Series()).instances += 1
        elif resource.startswith(_SERIES):
            modalities[resource.removeprefix(_SERIES)] = item.get("Modality", {"S": ""})["S"]
    # A series without an instance is one whose first instance is being stored.
    for uid, series in study.series.items():
        series.modality = modalities.get(uid, "")
    return study

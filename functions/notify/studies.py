"""A study as its partition of the index has it: what is counted, and since when it is quiet."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from archive.commits import Commit
from archive.items import Item
from archive.storedinstances import is_instance


@dataclass(slots=True)
class Series:
    """A series: its modality, empty if none was given, and how many instances it has."""

    modality: str = ""
    instances: int = 0


@dataclass(slots=True, kw_only=True)
class Study:
    """What is stored of a study: ``size`` in bytes, ``item`` with its attributes.

    ``stored`` is when its newest instance was, UTC, ISO 8601; empty if it has no instance.
    """

    study_instance_uid: str
    stored: str = ""
    instances: int = 0
    size: int = 0
    series: dict[str, Series] = field(default_factory=dict)
    item: Item = field(default_factory=dict)


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
            commit = Commit.of(item)
            if commit.stored > study.stored:
                study.stored = commit.stored
                if datetime.fromisoformat(study.stored).timestamp() > until:
                    return None
            study.instances += 1
            study.size += commit.size
            study.series.setdefault(commit.series_instance_uid, Series()).instances += 1
        elif resource == "study":
            study.item = item
        else:
            modalities[resource.removeprefix("series/")] = item.get("Modality", {"S": ""})["S"]
    # A series without an instance is one whose first instance is being stored.
    for uid, series in study.series.items():
        series.modality = modalities.get(uid, "")
    return study

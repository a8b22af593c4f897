"""A study as its partition of the index has it: what is counted, and since when it is quiet."""

from collections.abc import Iterable
from dataclasses import dataclass, field

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


def counted(study_instance_uid: str, items: Iterable[Item]) -> Study:
    """Return the study with these ``items``, those of its partition."""
    study = Study(study_instance_uid=study_instance_uid)
    for item in items:
        resource = item["Resource"]["S"]
        if is_instance(item):
            commit = Commit.of(item)
            study.stored = max(study.stored, commit.stored)
            study.instances += 1
            study.size += commit.size
            study.series.setdefault(commit.series_instance_uid, Series()).instances += 1
        elif resource == "study":
            study.item = item
        else:
            # A series without an instance is one whose first instance is being stored.
            series = study.series.get(resource.removeprefix("series/"))
            if series:
                series.modality = item.get("Modality", {"S": ""})["S"]
    return study

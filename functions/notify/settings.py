"""The settings of a deployment: the only place that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from dicomweb.returnattributes import STUDY

KEYWORDS = frozenset(keyword for _, keyword, _ in STUDY)
"""The attributes of a study and its patient that its item may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The parameters of template.yaml, as the notify function gets them.

    ``attributes`` are the keywords of those that events have. ``quiet_seconds`` is 0 if nobody is
    told that a study is quiet. The queues are URLs.
    """

    archive_bucket: str
    index_table: str
    event_bus: str
    attributes: tuple[str, ...]
    quiet_seconds: int
    quiet_queue: str
    untold_queue: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; raises KeyError or ValueError if another template was deployed."""
        return cls(
            archive_bucket=environment["ARCHIVE_BUCKET"],
            index_table=environment["INDEX_TABLE"],
            event_bus=environment["EVENT_BUS"],
            attributes=read_attributes(environment["EVENT_ATTRIBUTES"]),
            quiet_seconds=int(environment["STUDY_QUIET_SECONDS"]),
            quiet_queue=environment["QUIET_QUEUE"],
            untold_queue=environment["UNTOLD_QUEUE"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """The same for the audit function.

    ``audit_trail`` is a log group, ``audit_source`` the name by which the service is known in it.
    """

    index_table: str
    audit_trail: str
    audit_source: str
    audit_failures_queue: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "AuditSettings":
        """Read the settings; raises KeyError if another template was deployed."""
        return cls(
            index_table=environment["INDEX_TABLE"],
            audit_trail=environment["AUDIT_TRAIL"],
            audit_source=environment["AUDIT_SOURCE"],
            audit_failures_queue=environment["AUDIT_FAILURES_QUEUE"],
        )


def read_attributes(setting: str) -> tuple[str, ...]:
    """Return the keywords that the template's parameter EventAttributes separates by commas."""
    keywords = tuple(filter(None, setting.split(",")))
    if unknown := set(keywords) - KEYWORDS:
        raise ValueError(f"found {', '.join(sorted(unknown))}, expected attributes of a study")
    return keywords


@cache
def settings() -> Settings:
    """Return the settings of this environment, read once."""
    return Settings.of(os.environ)


@cache
def audit_settings() -> AuditSettings:
    """Return the settings of this environment, read once."""
    return AuditSettings.of(os.environ)

"""The settings of a deployment: the only place that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the template gives the audit function.

    ``audit_source`` is the name by which the service is known in the audit trail.
    """

    index_table: str
    audit_log_group: str
    audit_source: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; raises KeyError if another template was deployed."""
        return cls(
            index_table=environment["INDEX_TABLE"],
            audit_log_group=environment["AUDIT_LOG_GROUP"],
            audit_source=environment["AUDIT_SOURCE"],
        )


@cache
def settings() -> Settings:
    """Return the settings of this environment, read once."""
    return Settings.of(os.environ)

"""The settings of a deployment: the only place that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from transaction.gateway import read_origins


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The parameters of template.yaml, as the retrieve function gets them.

    ``retrieve_base_url`` has no slash at its end and may be empty; ``allowed_origins`` has
    origins, or only ``*``, or nothing. ``audit_trail`` is a log group, empty if there is no audit
    trail, and ``audit_source`` the name by which the service is known in it.
    """

    archive_bucket: str
    index_table: str
    retrieve_base_url: str
    allowed_origins: frozenset[str]
    audit_trail: str
    audit_source: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; raises KeyError if another template was deployed."""
        return cls(
            archive_bucket=environment["ARCHIVE_BUCKET"],
            index_table=environment["INDEX_TABLE"],
            retrieve_base_url=environment.get("RETRIEVE_BASE_URL", "").rstrip("/"),
            allowed_origins=read_origins(environment.get("ALLOWED_ORIGINS", "")),
            audit_trail=environment.get("AUDIT_TRAIL", ""),
            audit_source=environment.get("AUDIT_SOURCE", ""),
        )


@cache
def settings() -> Settings:
    """Return the settings of this environment, read once."""
    return Settings.of(os.environ)

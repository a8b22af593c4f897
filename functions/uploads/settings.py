"""The settings of a deployment: the only place that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from archive.disk import largest_body
from transaction.gateway import read_origins


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The parameters of template.yaml, as the uploads function gets them.

    ``largest_body`` is what fits on ingest's disk, in bytes. ``upload_seconds`` is how long an
    upload may be begun, and ``max_pending_uploads`` how many of one sender may be pending.
    ``retrieves`` says whether the API retrieves. ``retrieve_base_url`` is that of another one,
    without a slash at its end, and may be empty; ``allowed_origins`` has origins, or only ``*``, or
    nothing.
    """

    archive_bucket: str
    upload_table: str
    largest_body: int
    upload_seconds: int
    max_pending_uploads: int
    retrieves: bool
    retrieve_base_url: str
    allowed_origins: frozenset[str]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; raises KeyError or ValueError if another template was deployed."""
        return cls(
            archive_bucket=environment["ARCHIVE_BUCKET"],
            upload_table=environment["UPLOAD_TABLE"],
            largest_body=largest_body(int(environment["INGEST_STORAGE"])),
            upload_seconds=int(environment["UPLOAD_SECONDS"]),
            max_pending_uploads=int(environment["MAX_PENDING_UPLOADS"]),
            retrieves=environment.get("RETRIEVE") == "on",
            retrieve_base_url=environment.get("RETRIEVE_BASE_URL", "").rstrip("/"),
            allowed_origins=read_origins(environment.get("ALLOWED_ORIGINS", "")),
        )


@cache
def settings() -> Settings:
    """Return the settings of this environment, read once."""
    return Settings.of(os.environ)

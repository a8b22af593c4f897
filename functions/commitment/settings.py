"""The settings of a deployment: the only place that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from dicomweb.conformance import StorageProfile
from transaction.gateway import read_origins

_SECONDS_A_DAY = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The parameters of template.yaml, as both functions of this room get them.

    ``seconds_known`` is how long a request and its answer are kept. ``queue`` is the URL of the
    queue for requests that take longer, ``visibility_timeout`` that of the queue in seconds, and
    ``max_attempts`` how often it hands out a message. ``allowed_origins`` has origins, or only
    ``*``, or nothing.
    """

    archive_bucket: str
    index_table: str
    commitment_table: str
    storage_profile: StorageProfile
    seconds_known: int
    queue: str
    visibility_timeout: int
    max_attempts: int
    allowed_origins: frozenset[str]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; raises KeyError or ValueError if another template was deployed."""
        return cls(
            archive_bucket=environment["ARCHIVE_BUCKET"],
            index_table=environment["INDEX_TABLE"],
            commitment_table=environment["COMMITMENT_TABLE"],
            storage_profile=StorageProfile(environment["STORAGE_PROFILE"]),
            seconds_known=int(environment["COMMITMENT_DAYS"]) * _SECONDS_A_DAY,
            queue=environment["COMMITMENT_QUEUE"],
            visibility_timeout=int(environment["COMMITMENT_VISIBILITY_TIMEOUT"]),
            max_attempts=int(environment["MAX_COMMITMENT_ATTEMPTS"]),
            allowed_origins=read_origins(environment.get("ALLOWED_ORIGINS", "")),
        )


@cache
def settings() -> Settings:
    """Return the settings of this environment, read once."""
    return Settings.of(os.environ)

"""The settings of a deployment: the only place that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from archive.entries import DuplicatePolicy
from archive.locks import Retention
from dicomweb.conformance import StorageProfile
from dicomweb.part10.file import PreamblePolicy
from transaction.gateway import read_origins


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The parameters of template.yaml, as the store function gets them.

    ``retrieves`` says whether the API retrieves. ``retrieve_base_url`` is
    that of another one, without a slash at its end, and may be empty; ``allowed_origins`` has
    origins, or only ``*``, or nothing.
    """

    archive_bucket: str
    index_table: str
    storage_profile: StorageProfile
    preamble_policy: PreamblePolicy
    duplicate_policy: DuplicatePolicy
    retention: Retention | None
    retrieves: bool
    retrieve_base_url: str
    allowed_origins: frozenset[str]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; raises KeyError or ValueError if another template was deployed."""
        return cls(
            archive_bucket=environment["ARCHIVE_BUCKET"],
            index_table=environment["INDEX_TABLE"],
            storage_profile=StorageProfile(environment["STORAGE_PROFILE"]),
            preamble_policy=PreamblePolicy(environment["PREAMBLE_POLICY"]),
            duplicate_policy=DuplicatePolicy(environment["DUPLICATE_POLICY"]),
            retention=Retention.of(
                environment["OBJECT_LOCK_MODE"], int(environment["OBJECT_LOCK_DAYS"])
            ),
            retrieves=environment.get("RETRIEVE") == "on",
            retrieve_base_url=environment.get("RETRIEVE_BASE_URL", "").rstrip("/"),
            allowed_origins=read_origins(environment.get("ALLOWED_ORIGINS", "")),
        )


@cache
def settings() -> Settings:
    """Return the settings of this environment, read once."""
    return Settings.of(os.environ)


def becomes_snapshot() -> bool:
    """Tell whether this start becomes a snapshot, from which other environments continue."""
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"

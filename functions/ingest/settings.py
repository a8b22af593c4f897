"""The settings of a deployment: the only place that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from archive import DuplicatePolicy, Retention
from dicomweb.conformance import StorageProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The parameters of template.yaml, as the ingest function gets them.

    ``visibility_timeout`` is the queue's: how many seconds after an attempt has begun the next
    one may begin.
    """

    archive_bucket: str
    index_table: str
    upload_table: str
    storage_profile: StorageProfile
    duplicate_policy: DuplicatePolicy
    retention: Retention | None
    max_attempts: int
    visibility_timeout: int

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; raises KeyError or ValueError if another template was deployed."""
        return cls(
            archive_bucket=environment["ARCHIVE_BUCKET"],
            index_table=environment["INDEX_TABLE"],
            upload_table=environment["UPLOAD_TABLE"],
            storage_profile=StorageProfile(environment["STORAGE_PROFILE"]),
            duplicate_policy=DuplicatePolicy(environment["DUPLICATE_POLICY"]),
            retention=Retention.of(environment),
            max_attempts=int(environment["MAX_INGEST_ATTEMPTS"]),
            visibility_timeout=int(environment["VISIBILITY_TIMEOUT"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterSettings:
    """The settings of the dead-letter function; ``failed_uploads_queue`` is a URL."""

    upload_table: str
    failed_uploads_queue: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "DeadLetterSettings":
        """Read the settings; raises KeyError if another template was deployed."""
        return cls(
            upload_table=environment["UPLOAD_TABLE"],
            failed_uploads_queue=environment["FAILED_UPLOADS_QUEUE"],
        )


@cache
def settings() -> Settings:
    """Return the settings of this environment, read once."""
    return Settings.of(os.environ)


@cache
def dead_letter_settings() -> DeadLetterSettings:
    """Return the settings of this environment, read once."""
    return DeadLetterSettings.of(os.environ)

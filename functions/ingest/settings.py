"""The settings of a deployment: the only place that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from archive.disk import largest_body
from archive.entries import DuplicatePolicy
from archive.locks import Retention
from dicomweb.conformance import StorageProfile
from dicomweb.part10.file import PreamblePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The parameters of template.yaml, as the ingest function gets them.

    ``largest_body`` is what fits on the disk, in bytes. ``ingest_queue`` is a URL, and
    ``visibility_timeout`` is that of the queue: how many seconds after the begin of an attempt that
    died the next one may begin.
    """

    archive_bucket: str
    index_table: str
    upload_table: str
    storage_profile: StorageProfile
    preamble_policy: PreamblePolicy
    duplicate_policy: DuplicatePolicy
    retention: Retention | None
    largest_body: int
    max_attempts: int
    ingest_queue: str
    visibility_timeout: int

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; raises KeyError or ValueError if another template was deployed."""
        return cls(
            archive_bucket=environment["ARCHIVE_BUCKET"],
            index_table=environment["INDEX_TABLE"],
            upload_table=environment["UPLOAD_TABLE"],
            storage_profile=StorageProfile(environment["STORAGE_PROFILE"]),
            preamble_policy=PreamblePolicy(environment["PREAMBLE_POLICY"]),
            duplicate_policy=DuplicatePolicy(environment["DUPLICATE_POLICY"]),
            retention=Retention.of(
                environment["OBJECT_LOCK_MODE"], int(environment["OBJECT_LOCK_DAYS"])
            ),
            largest_body=largest_body(int(environment["INGEST_STORAGE"])),
            ingest_queue=environment["INGEST_QUEUE"],
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

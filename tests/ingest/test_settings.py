import pytest

from archive.entries import DuplicatePolicy
from dicomweb.conformance import StorageProfile
from ingest.settings import DeadLetterSettings, Settings
from tests.store.deployment import function
from uploads.settings import Settings as UploadsSettings

INGEST = dict(function("IngestFunction").environment)
DEAD_LETTERS = dict(function("DeadLetterFunction").environment)
UPLOADS = dict(function("UploadsFunction").environment)


def test_the_template_s_environment_has_every_setting_of_ingest() -> None:
    chosen = Settings.of(INGEST)
    assert chosen.storage_profile is StorageProfile.CONFORMANCE
    assert chosen.duplicate_policy is DuplicatePolicy.REJECT
    assert chosen.max_attempts == 5
    assert chosen.visibility_timeout == 5400
    assert chosen.ingest_queue.endswith("/stowport-IngestQueue")
    assert chosen.upload_table == UploadsSettings.of(UPLOADS).upload_table
    assert chosen.largest_body == UploadsSettings.of(UPLOADS).largest_body


def test_the_largest_body_is_what_the_disk_of_ingest_holds_but_for_a_rest() -> None:
    chosen = UploadsSettings.of(UPLOADS)
    assert chosen.largest_body == (10240 - 64) * 1024**2
    assert chosen.upload_seconds == 3600


def test_the_template_s_environment_has_every_setting_of_the_dead_letter_queue_s_function() -> None:
    chosen = DeadLetterSettings.of(DEAD_LETTERS)
    assert chosen.upload_table == Settings.of(INGEST).upload_table
    assert chosen.failed_uploads_queue.endswith("/stowport-FailedUploadsQueue")


@pytest.mark.parametrize("name", ["UPLOAD_TABLE", "FAILED_UPLOADS_QUEUE"])
def test_what_that_function_misses_is_an_error_and_not_a_default(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        DeadLetterSettings.of({key: DEAD_LETTERS[key] for key in DEAD_LETTERS if key != name})


@pytest.mark.parametrize(
    "name",
    [
        "ARCHIVE_BUCKET",
        "INDEX_TABLE",
        "UPLOAD_TABLE",
        "STORAGE_PROFILE",
        "PREAMBLE_POLICY",
        "DUPLICATE_POLICY",
        "OBJECT_LOCK_MODE",
        "OBJECT_LOCK_DAYS",
        "INGEST_STORAGE",
        "INGEST_QUEUE",
        "MAX_INGEST_ATTEMPTS",
        "VISIBILITY_TIMEOUT",
    ],
)
def test_what_ingest_misses_is_an_error_and_not_a_default(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        Settings.of({key: INGEST[key] for key in INGEST if key != name})


@pytest.mark.parametrize(
    "name",
    ["ARCHIVE_BUCKET", "UPLOAD_TABLE", "INGEST_STORAGE", "UPLOAD_SECONDS", "MAX_PENDING_UPLOADS"],
)
def test_what_uploads_misses_is_an_error_and_not_a_default(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        UploadsSettings.of({key: UPLOADS[key] for key in UPLOADS if key != name})

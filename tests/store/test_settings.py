import pytest

from archive.entries import DuplicatePolicy
from dicomweb.conformance import StorageProfile
from dicomweb.part10.file import PreamblePolicy
from store import settings
from store.settings import Settings
from tests.store.deployment import TEMPLATE, function

DEPLOYED = dict(function("StoreFunction").environment)


def test_the_template_s_environment_has_every_setting() -> None:
    assert Settings.of(DEPLOYED) == Settings(
        archive_bucket=TEMPLATE.bucket,
        index_table=TEMPLATE.table,
        storage_profile=StorageProfile.CONFORMANCE,
        preamble_policy=PreamblePolicy.KEEP,
        duplicate_policy=DuplicatePolicy.REJECT,
        retention=None,
        retrieves=True,
        retrieve_base_url="",
        allowed_origins=frozenset(),
    )


@pytest.mark.parametrize(
    "origins", ["https://a.example,http://b.example", " https://a.example , http://b.example,"]
)
def test_allowed_origins_are_separated_by_commas(origins: str) -> None:
    chosen = Settings.of({**DEPLOYED, "ALLOWED_ORIGINS": origins})
    assert chosen.allowed_origins == {"https://a.example", "http://b.example"}


def test_the_retrieve_base_url_loses_its_last_slash() -> None:
    chosen = Settings.of({**DEPLOYED, "RETRIEVE_BASE_URL": "https://a.example/rs/"})
    assert chosen.retrieve_base_url == "https://a.example/rs"


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_instances_are_locked_if_a_mode_is_chosen(mode: str) -> None:
    chosen = Settings.of({**DEPLOYED, "OBJECT_LOCK_MODE": mode, "OBJECT_LOCK_DAYS": "365"})
    assert chosen.retention
    assert (chosen.retention.mode, chosen.retention.days) == (mode, 365)


@pytest.mark.parametrize(
    "name",
    [
        "ARCHIVE_BUCKET",
        "INDEX_TABLE",
        "STORAGE_PROFILE",
        "PREAMBLE_POLICY",
        "DUPLICATE_POLICY",
        "OBJECT_LOCK_MODE",
        "OBJECT_LOCK_DAYS",
    ],
)
def test_a_setting_that_is_missing_is_an_error_and_not_a_default(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        Settings.of({key: value for key, value in DEPLOYED.items() if key != name})


@pytest.mark.parametrize(
    "name", ["STORAGE_PROFILE", "PREAMBLE_POLICY", "DUPLICATE_POLICY", "OBJECT_LOCK_MODE"]
)
def test_a_choice_that_there_is_not_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="everything"):
        Settings.of({**DEPLOYED, name: "everything"})


def test_the_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in DEPLOYED.items():
        monkeypatch.setenv(name, value)
    settings.settings.cache_clear()
    first = settings.settings()
    monkeypatch.setenv("ARCHIVE_BUCKET", "another")
    assert settings.settings() is first
    settings.settings.cache_clear()

import pytest

from authorizer.settings import Settings, read_settings

ENVIRONMENT = {
    "AUTHENTICATION": "oidc",
    "OIDC_ISSUER": "https://issuer.example",
    "OIDC_AUDIENCE": "stowport",
    "REQUIRED_SCOPE": "studies:store",
    "READ_SCOPE": "studies:read",
}


def test_settings_are_read_from_the_environment() -> None:
    expected = Settings(
        authentication="oidc",
        issuer="https://issuer.example",
        audience="stowport",
        required_scope="studies:store",
        read_scope="studies:read",
    )

    assert read_settings(ENVIRONMENT) == expected


def test_the_functions_own_environment_is_read_anew_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OIDC_AUDIENCE", "planted")

    assert read_settings().audience == "planted"


@pytest.mark.parametrize(
    ("method", "resource", "scope"),
    [
        ("GET", "/studies/{study}", "studies:read"),
        ("HEAD", "/studies/{study}/series/{series}", "studies:read"),
        ("POST", "/studies/{study}", "studies:store"),
        ("POST", "/uploads", "studies:store"),
        ("GET", "/uploads/{id}", "studies:store"),
        ("GET", "", "studies:store"),
    ],
)
def test_reading_what_is_stored_needs_a_scope_of_its_own(
    method: str, resource: str, scope: str
) -> None:
    assert read_settings(ENVIRONMENT).scope_for(method, resource) == scope


def test_complete_settings_have_no_defect() -> None:
    assert read_settings(ENVIRONMENT).defect == ""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"AUTHENTICATION": ""}, "AUTHENTICATION"),
        ({"AUTHENTICATION": "OIDC"}, "AUTHENTICATION"),
        ({"AUTHENTICATION": "None"}, "AUTHENTICATION"),
        ({"OIDC_ISSUER": ""}, "OIDC_ISSUER"),
        ({"OIDC_AUDIENCE": ""}, "OIDC_AUDIENCE"),
        ({"OIDC_ISSUER": "http://issuer.example"}, "https"),
        ({"OIDC_ISSUER": "issuer.example"}, "https"),
    ],
)
def test_a_defect_names_the_setting(change: dict[str, str], named: str) -> None:
    assert named in read_settings({**ENVIRONMENT, **change}).defect


@pytest.mark.parametrize("authentication", ["", "None", "NONE", "none ", "off", "oidc"])
def test_open_access_is_asked_for_by_its_exact_name(authentication: str) -> None:
    assert not read_settings({"AUTHENTICATION": authentication}).open_to_all


def test_open_access_needs_nothing_but_its_name() -> None:
    assert read_settings({"AUTHENTICATION": "none"}).open_to_all

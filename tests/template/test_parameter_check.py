"""What `make deploy` says of parameters before it builds and uploads."""

import tomllib
from pathlib import Path

import pytest

from deploy.parameters import configured, main
from local.template import Template

ROOT = Path(__file__).parent.parent.parent
TEMPLATE = str(ROOT / "template.yaml")
CONFIGURATION = (ROOT / "samconfig.toml").read_text()
ENVIRONMENTS = ("dev", "stage", "prod")
FILLED_IN = ("OidcIssuer=https://login.example.org", "OidcAudience=stowport")


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("environment", ["default", *ENVIRONMENTS])
def test_a_deployment_without_an_issuer_is_stopped_before_anything_is_built(
    environment: str,
) -> None:
    said = main(TEMPLATE, environment)
    assert said is not None
    assert said.startswith("Authentication=oidc requires OidcIssuer. Nothing was built or uploaded")
    assert f"[{environment}.deploy.parameters]" in said


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_needs_an_issuer_and_an_audience_and_nothing_else(
    environment: str,
) -> None:
    written = CONFIGURATION
    for pair in FILLED_IN:
        written = written.replace(f'"{pair.partition("=")[0]}="', f'"{pair}"')
    parameters = configured(written, environment)
    Template(Path(TEMPLATE), parameters)
    assert "" not in parameters.values()  # the SAM CLI refuses Name= as malformed
    assert set(tomllib.loads(written)[environment]) == {"deploy"}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("Authentication=none",), None),
        ((*FILLED_IN, "--no-confirm-changeset"), None),
        (FILLED_IN[:1], "Authentication=oidc requires OidcAudience."),
        (("Authentication=none", "LogRetentionDays=8"), "LogRetentionDays is '8'; it must be one"),
        (("Authentication=none", "Storage=x"), "Storage is not a parameter of the template;"),
    ],
)
def test_the_flags_of_sam_deploy_are_checked_in_place_of_the_file(
    flags: tuple[str, ...], said: str | None
) -> None:
    found = main(TEMPLATE, "prod", "--parameter-overrides", *flags)
    assert (found or "").startswith(said or "")
    assert (found is None) == (said is None)


def test_a_guided_deployment_asks_and_is_not_checked() -> None:
    assert main(TEMPLATE, "default", "--guided") is None


def test_an_environment_that_there_is_not_is_named_beside_those_that_there_are() -> None:
    said = main(TEMPLATE, "live")
    assert said is not None
    assert said.startswith("samconfig.toml has no environment live; it has: default, dev, stage")

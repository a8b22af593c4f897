"""docs/tokens.md and deploy/cognito.yaml fit the template and the authorizer."""

import re
from pathlib import Path
from typing import Any

import pytest

from authorizer import tokens
from local.intrinsics import parse
from tests.template.parts import PARAMETERS, TEMPLATE
from tests.template.transformed import run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tokens.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
COGNITO: dict[str, Any] = parse((ROOT / "deploy" / "cognito.yaml").read_text("utf-8"))
SCOPE = PARAMETERS["RequiredScope"]["Default"]

CLAIMS: dict[str, dict[str, object]] = {
    "Amazon Cognito": {"token_use": "access", "client_id": "OIDC_AUDIENCE", "scope": SCOPE},
    "Microsoft Entra ID": {"aud": "CLIENT_ID_OF_STOWPORT", "roles": [SCOPE], "ver": "2.0"},
    "Keycloak": {"aud": ["stowport", "account"], "scope": f"email {SCOPE}", "azp": "SENDER"},
    "Okta": {"aud": "api://default", "scp": ["stowport.store"], "cid": "CLIENT_ID"},
}
"""What the providers put into a token that is got as the page says."""


def steps(provider: str) -> str:
    _, _, rest = PAGE.partition(f"\n## {provider}\n")
    section, _, _ = rest.partition("\n## ")
    return section


def given(provider: str, parameter: str) -> str:
    """Return the value of a parameter that the page gives, or the template's default."""
    found = re.search(rf"`{parameter}=([^`]+)`", steps(provider))
    return found[1] if found else str(PARAMETERS[parameter]["Default"])


@pytest.mark.process
def test_the_template_of_the_user_pool_is_without_findings() -> None:
    run(".sam-venv/bin/cfn-lint", "deploy/cognito.yaml")


def test_the_sender_of_the_user_pool_gets_the_scope_that_is_required_by_default() -> None:
    resources = {name: each["Properties"] for name, each in COGNITO["Resources"].items()}
    server, sender = resources["ResourceServer"], resources["Sender"]
    (scope,) = server["Scopes"]
    assert f"{server['Identifier']}/{scope['ScopeName']}" == SCOPE
    assert sender["AllowedOAuthScopes"] == [SCOPE]
    assert sender["AllowedOAuthFlows"] == ["client_credentials"]
    assert sender["GenerateSecret"] is True


def test_the_outputs_of_the_user_pool_are_what_the_page_uses() -> None:
    outputs = COGNITO["Outputs"]
    assert {"OidcIssuer", "OidcAudience"} <= outputs.keys() & PARAMETERS.keys()
    screaming = {re.sub("(?<=[a-z])(?=[A-Z])", "_", name).upper() for name in outputs}
    assert {"OIDC_AUDIENCE", "USER_POOL_ID", "TOKEN_URL"} <= screaming
    assert all(name in steps("Amazon Cognito") for name in screaming - {"OIDC_ISSUER"})


@pytest.mark.parametrize("provider", CLAIMS)
def test_a_provider_is_set_up_in_five_steps(provider: str) -> None:
    assert re.findall(r"^(\d)\. ", steps(provider), re.MULTILINE) == ["1", "2", "3", "4", "5"]
    assert "grant_type=client_credentials" in steps(provider)


@pytest.mark.parametrize("provider", CLAIMS)
def test_a_token_that_is_got_as_the_page_says_may_store(provider: str) -> None:
    cognito = provider == "Amazon Cognito"
    audience = "OIDC_AUDIENCE" if cognito else given(provider, "OidcAudience")
    assert tokens._is_meant_for(audience, CLAIMS[provider])
    assert tokens.has_scope(CLAIMS[provider], given(provider, "RequiredScope"))


@pytest.mark.parametrize("provider", [name for name in CLAIMS if name != "Amazon Cognito"])
def test_what_the_page_gives_is_a_value_that_the_template_takes(provider: str) -> None:
    for parameter in ("OidcIssuer", "OidcAudience", "RequiredScope"):
        value = given(provider, parameter)
        assert value
        assert re.search(PARAMETERS[parameter]["AllowedPattern"], value)


def test_the_readme_stores_below_an_output_of_the_template() -> None:
    (output,) = re.findall(r"OutputKey=='(\w+)'", README)
    assert output in TEMPLATE["Outputs"]
    assert '"$BASE_URL/studies"' in README

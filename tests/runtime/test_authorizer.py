import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.issuer import Issuer
from tests.runtime.emulator import Runtime, running
from tests.store.deployment import event, function

pytestmark = pytest.mark.process

AUTHORIZER = function("AuthorizerFunction")
OIDC = {"AUTHENTICATION": "oidc", "OIDC_AUDIENCE": "stowport", "REQUIRED_SCOPE": "stowport/store"}

JSON_LOG = {"AWS_LAMBDA_LOG_FORMAT": "JSON"}  # which the template's LoggingConfig asks for


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    issuer = Issuer.start(tmp_path / "issuer", audience="stowport", scope="stowport/store")
    yield issuer
    issuer.stop()


@pytest.fixture
def runtime(issuer: Issuer, tmp_path: Path) -> Iterator[Runtime]:
    environment = {**AUTHORIZER.environment, **OIDC, "OIDC_ISSUER": issuer.url, **JSON_LOG}
    with running(AUTHORIZER, environment, tmp_path / "log") as runtime:
        yield runtime


def with_token(token: str) -> dict[str, Any]:
    sent = event("authorizer/no-token")
    sent["multiValueHeaders"]["Authorization"] = [f"Bearer {token}"]
    return sent


def effect(policy: Mapping[str, Any]) -> tuple[str, str]:
    (statement,) = policy["policyDocument"]["Statement"]
    return statement["Effect"], statement["Resource"]


def test_without_a_good_token_the_error_is_the_one_that_the_gateway_knows(
    runtime: Runtime,
) -> None:
    for name in ("no-token", "bad-token"):
        assert runtime.invoke(event(f"authorizer/{name}"))["errorMessage"] == "Unauthorized"


def test_a_refused_token_is_one_line_of_the_log_with_one_frame(
    runtime: Runtime, issuer: Issuer
) -> None:
    begin = len(runtime.log.read_bytes())
    runtime.invoke(with_token(issuer.mint(lifetime=-3600)))
    lines = runtime.log.read_bytes()[begin:].decode().splitlines()
    # The platform's own lines begin, end and measure the invocation.
    (line,) = (
        each for each in lines if not each.startswith(("START ", "END ", "REPORT ")) and each
    )
    entry = json.loads(line)
    assert (entry["level"], entry["errorType"]) == ("ERROR", "Expired")
    assert len(entry["stackTrace"]) == 1


def test_a_good_token_may_store_and_one_without_the_scope_may_not(
    runtime: Runtime, issuer: Issuer
) -> None:
    sent, other = with_token(issuer.mint()), with_token(issuer.mint("something/else"))
    assert effect(runtime.invoke(sent)) == ("Allow", sent["methodArn"])
    assert effect(runtime.invoke(other)) == ("Deny", sent["methodArn"])
    assert issuer.mint()[:36] not in runtime.log.read_text()


def test_when_the_issuer_is_gone_the_error_is_another_one(runtime: Runtime, issuer: Issuer) -> None:
    sent = with_token(issuer.mint())
    issuer._server.shutdown()
    issuer._server.server_close()
    error = runtime.invoke(sent)
    assert error["errorType"] == "IssuerUnavailable"
    assert error["errorMessage"] != "Unauthorized"


def test_without_authentication_everyone_may_store(tmp_path: Path) -> None:
    environment = {**AUTHORIZER.environment, "AUTHENTICATION": "none"}
    sent = event("authorizer/no-token")
    with running(AUTHORIZER, environment, tmp_path / "log") as runtime:
        assert effect(runtime.invoke(sent)) == ("Allow", sent["methodArn"])

import io
import json
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from authorizer import handler
from authorizer.discovery import IssuerUnavailable
from authorizer.handler import Unauthorized, Undecided, lambda_handler
from local.issuer import Issuer
from tests.authorizer.loopback import AUDIENCE, SCOPE, LoopbackIssuer, signing_key

METHOD_ARN = "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/prod/POST/studies/1.2.3"
KEY = signing_key("first")
UNHURRIED = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def environment(issuer: LoopbackIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHENTICATION", "oidc")
    monkeypatch.setenv("OIDC_ISSUER", issuer.url)
    monkeypatch.setenv("OIDC_AUDIENCE", AUDIENCE)
    monkeypatch.setenv("REQUIRED_SCOPE", SCOPE)


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    monkeypatch.setattr(handler.logger.registered_handler, "stream", stream)
    yield stream
    stream.close()


def entries(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def event(*authorization: str, name: str = "Authorization") -> dict[str, Any]:
    """Return what API Gateway sends a REQUEST authorizer, with these Authorization headers."""
    headers = {name: authorization[-1]} if authorization else {}
    return {
        "type": "REQUEST",
        "methodArn": METHOD_ARN,
        "resource": "/studies/{study}",
        "path": "/studies/1.2.3",
        "httpMethod": "POST",
        "headers": {"Accept": "application/dicom+json", **headers},
        "multiValueHeaders": {
            "Accept": ["application/dicom+json"],
            **({name: list(authorization)} if authorization else {}),
        },
        "requestContext": {"requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"},
    }


def answer(event: Mapping[str, Any]) -> dict[str, Any]:
    return lambda_handler(event, LambdaContext())


def effect(policy: Mapping[str, Any]) -> str:
    return str(policy["policyDocument"]["Statement"][0]["Effect"])


def bearer(issuer: LoopbackIssuer, **changes: object) -> str:
    return "Bearer " + KEY.sign(issuer.claims(**changes))


def test_a_good_token_is_allowed_this_request_and_no_other(issuer: LoopbackIssuer) -> None:
    policy = answer(event(bearer(issuer)))

    assert policy["policyDocument"] == {
        "Version": "2012-10-17",
        "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": METHOD_ARN}],
    }


def test_a_token_of_the_local_issuer_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = Issuer.start(tmp_path, audience=AUDIENCE, scope=SCOPE)
    monkeypatch.setenv("OIDC_ISSUER", local.url)
    allowed = answer(event("Bearer " + local.mint()))
    denied = answer(event("Bearer " + local.mint("other")))
    with pytest.raises(Unauthorized):
        answer(event("Bearer " + local.mint(lifetime=-3600)))
    local.stop()

    assert (effect(allowed), effect(denied)) == ("Allow", "Deny")


def test_a_good_token_without_the_scope_is_denied(issuer: LoopbackIssuer, log: io.StringIO) -> None:
    policy = answer(event(bearer(issuer, scope="openid")))

    assert effect(policy) == "Deny"
    assert policy["policyDocument"]["Statement"][0]["Resource"] == METHOD_ARN
    assert [entry["reason"] for entry in entries(log)] == ["scope missing"]


def test_no_scope_is_needed_if_none_is_required(
    issuer: LoopbackIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRED_SCOPE", "")

    assert effect(answer(event(bearer(issuer, scope=None)))) == "Allow"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([], "NoToken"),
        (["Bearer None"], "NotABearerToken"),
        (["Basic dXNlcjpwYXNzd29yZA=="], "NotABearerToken"),
        (["Bearer a.b.c"], "Malformed"),
        (["Bearer a.b.c", "Bearer a.b.c"], "SeveralAuthorizationHeaders"),
    ],
)
def test_without_a_good_token_the_error_is_the_one_api_gateway_answers_401(
    headers: list[str], reason: str, log: io.StringIO
) -> None:
    with pytest.raises(Unauthorized, match=r"\AUnauthorized\Z") as refusal:
        answer(event(*headers))

    assert type(refusal.value).__name__ == reason
    assert entries(log) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": 1}, "Expired"),
        ({"aud": "other"}, "WrongAudience"),
        ({"sub": None}, "NoSubject"),
        ({"nonce": "n-0S6_WzA2Mj"}, "NotAnAccessToken"),
    ],
)
def test_a_refused_token_is_one_error_which_lambda_logs_with_its_type(
    issuer: LoopbackIssuer, log: io.StringIO, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(Unauthorized, match=r"\AUnauthorized\Z") as refusal:
        answer(event(bearer(issuer, **changes)))

    assert type(refusal.value).__name__ == reason
    assert [frame.name for frame in refusal.traceback][2:] == ["lambda_handler"]
    assert entries(log) == []


def test_a_missing_scope_is_logged_with_the_id_of_the_request(
    issuer: LoopbackIssuer, log: io.StringIO
) -> None:
    answer(event(bearer(issuer, scope="openid")))

    (entry,) = entries(log)
    assert entry["level"] == "INFO"
    assert entry["request_id"] == "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_the_header_name_is_of_any_case(issuer: LoopbackIssuer, name: str) -> None:
    assert effect(answer(event(bearer(issuer), name=name))) == "Allow"


@pytest.mark.parametrize("absent", ["headers", "multiValueHeaders"])
@pytest.mark.parametrize("nothing", [None, {}])
def test_either_form_of_the_headers_will_do(
    issuer: LoopbackIssuer, absent: str, nothing: object
) -> None:
    assert effect(answer({**event(bearer(issuer)), absent: nothing})) == "Allow"


def test_two_headers_of_different_case_are_two(issuer: LoopbackIssuer) -> None:
    good = bearer(issuer)
    request = event(good)
    request["multiValueHeaders"]["authorization"] = [good]

    with pytest.raises(Unauthorized):
        answer(request)


def test_a_request_without_any_headers_is_unauthorized() -> None:
    with pytest.raises(Unauthorized):
        answer({**event(), "headers": None, "multiValueHeaders": None})


def test_an_unreachable_issuer_is_not_the_senders_fault(
    issuer: LoopbackIssuer, log: io.StringIO
) -> None:
    issuer.break_down()

    with pytest.raises(IssuerUnavailable):
        answer(event(bearer(issuer)))
    assert [entry["level"] for entry in entries(log)] == ["WARNING"]


def test_no_token_is_unauthorized_even_if_the_issuer_is_unreachable(
    issuer: LoopbackIssuer,
) -> None:
    issuer.break_down()

    with pytest.raises(Unauthorized):
        answer(event())
    assert issuer.requests == []


def test_keys_are_fetched_once_for_many_requests(issuer: LoopbackIssuer) -> None:
    for _ in range(3):
        answer(event(bearer(issuer)))

    assert issuer.fetches == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTHENTICATION", ""),
        ("AUTHENTICATION", "None"),
        ("OIDC_ISSUER", ""),
        ("OIDC_AUDIENCE", ""),
        ("OIDC_ISSUER", "http://issuer.example"),
    ],
)
def test_not_configured_refuses_everything_and_says_so_once(
    issuer: LoopbackIssuer,
    monkeypatch: pytest.MonkeyPatch,
    log: io.StringIO,
    name: str,
    value: str,
) -> None:
    good = bearer(issuer)
    monkeypatch.setenv(name, value)
    for request in (event(good), event(), event(good)):
        with pytest.raises(Unauthorized):
            answer(request)

    (entry,) = entries(log)
    assert entry["level"] == "ERROR"
    assert name in entry["message"]


@pytest.mark.parametrize("headers", [[], ["Basic dXNlcjpwYXNzd29yZA=="], ["Bearer None"]])
def test_open_access_allows_everyone(monkeypatch: pytest.MonkeyPatch, headers: list[str]) -> None:
    monkeypatch.setenv("AUTHENTICATION", "none")
    policy = answer(event(*headers))

    assert (effect(policy), policy["principalId"]) == ("Allow", "anonymous")


def test_open_access_is_said_once(monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    monkeypatch.setenv("AUTHENTICATION", "none")
    for _ in range(3):
        answer(event())

    assert [entry["level"] for entry in entries(log)] == ["WARNING"]


def test_a_sender_has_one_principal_which_does_not_say_who_it_is(issuer: LoopbackIssuer) -> None:
    first, again, other = (
        answer(event(bearer(issuer, sub=sub)))["principalId"]
        for sub in ("somebody@hospital.example", "somebody@hospital.example", "else")
    )

    assert first == again != other
    assert "somebody" not in first


@pytest.mark.parametrize("sub", ["\ud800", "x" * 5000])
def test_any_subject_makes_a_short_principal(issuer: LoopbackIssuer, sub: str) -> None:
    policy = answer(event(bearer(issuer, sub=sub)))

    assert len(policy["principalId"]) == 32


@pytest.mark.parametrize(
    "changes", [{}, {"scope": "planted"}, {"aud": "planted"}, {"exp": 1}, {"iss": "planted"}]
)
def test_no_part_of_a_token_is_logged(
    issuer: LoopbackIssuer, log: io.StringIO, changes: dict[str, object]
) -> None:
    token = KEY.sign(issuer.claims(sub="planted", **changes), kid="planted" if changes else None)
    for sent in (token, token[:-2]):
        try:
            answer(event("Bearer " + sent))
        except Unauthorized as refusal:
            assert refusal.__suppress_context__  # noqa: PT017 - a good token raises nothing
            # As the runtime does it, without what is suppressed.
            log.writelines(traceback.format_exception(refusal))

    assert "Unauthorized" in log.getvalue()
    assert "planted" not in log.getvalue()
    assert not any(part in log.getvalue() for part in token.split("."))


@pytest.mark.parametrize("step", ["read_settings", "bearer_token", "verified_claims", "has_scope"])
def test_what_nobody_foresaw_is_no_verdict_and_is_logged_without_its_message(
    issuer: LoopbackIssuer, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("planted")

    monkeypatch.setattr(handler, step, fails)
    with pytest.raises(Undecided, match=r"^ValueError$") as raised:
        answer(event(bearer(issuer)))
    assert raised.value.__suppress_context__
    (entry,) = entries(log)
    assert (entry["level"], entry["message"], entry["error"]) == (
        "ERROR",
        "unforeseen",
        "ValueError",
    )
    assert entry["at"][-1].endswith(" fails")
    assert "planted" not in log.getvalue()


@pytest.mark.parametrize("broken", [{}, {"multiValueHeaders": 5}, {"headers": {"a": None}}])
def test_what_is_no_event_of_the_gateway_gets_no_policy(broken: dict[str, Any]) -> None:
    with pytest.raises((Unauthorized, Undecided)):
        answer(broken)


schemes = st.sampled_from(["", "Bearer ", "bearer ", "Basic ", "Bearer a.", "Bearer .."])
headers = st.builds(str.__add__, schemes, st.text() | st.binary().map(bytes.hex))


@UNHURRIED
@given(headers | st.from_regex(r"\ABearer [\w-]{1,80}\.[\w-]{1,80}\.[\w-]{1,80}\Z"))
@example("Bearer " + "." * 20_000)
@example("Bearer " + "a" * 20_000)
def test_no_header_but_a_good_token_gets_further_than_unauthorized(value: str) -> None:
    with pytest.raises(Unauthorized):
        answer(event(value))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("aé\ud800.1", max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("a"), inner, max_size=1),
    max_leaves=4,
)
claim_names = st.sampled_from(["aud", "iss", "exp", "nbf", "iat", "sub", "jti", "scope", "scp"])


@UNHURRIED
@given(st.dictionaries(claim_names, json_values, min_size=1))
def test_whatever_the_claims_are_there_is_a_verdict(
    issuer: LoopbackIssuer, changes: dict[str, object]
) -> None:
    claims = {**issuer.claims(), "scope": "", **changes}
    try:
        verdict = effect(answer(event("Bearer " + KEY.sign(claims))))
    except Unauthorized:
        verdict = "Unauthorized"

    assert verdict in {"Deny", "Unauthorized"}


@UNHURRIED
@given(st.data())
def test_a_token_with_one_character_altered_is_never_allowed(
    issuer: LoopbackIssuer, data: st.DataObject
) -> None:
    token = KEY.sign(issuer.claims())
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126))
    altered = token[:place] + other + token[place + 1 :]

    if altered == token:
        assert effect(answer(event("Bearer " + altered))) == "Allow"
    else:
        with pytest.raises(Unauthorized):
            answer(event("Bearer " + altered))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_no_other_last_character_of_a_part_stands_for_the_same_bytes(
    issuer: LoopbackIssuer, part: int
) -> None:
    token = KEY.sign(issuer.claims())
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="
    for character in alphabet:
        parts = token.split(".")
        parts[part] = parts[part][:-1] + character
        altered = ".".join(parts)
        if altered != token:
            with pytest.raises(Unauthorized):
                answer(event("Bearer " + altered))

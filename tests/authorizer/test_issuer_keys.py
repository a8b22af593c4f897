from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm

from authorizer.discovery import IssuerUnavailable
from authorizer.issuer_keys import (
    COOLDOWN,
    COOLDOWN_AFTER_FAILURE,
    KEPT,
    LIFETIME,
    IssuerKeys,
)
from tests.authorizer.conftest import Clock
from tests.authorizer.loopback import LoopbackIssuer, SigningKey, rsa_private_key, signing_key

FIRST = signing_key("first")
SECOND = signing_key("second")


@pytest.fixture
def keys(issuer: LoopbackIssuer, clock: Clock) -> IssuerKeys:  # noqa: ARG001 - time stands still
    return IssuerKeys(issuer.url)


def found(keys: IssuerKeys, kid: str | None, algorithm: str = "ES256") -> str | None:
    key = keys.find(algorithm, kid)
    return None if key is None else key.key_id


def test_nothing_is_fetched_before_a_key_is_asked_for(issuer: LoopbackIssuer) -> None:
    IssuerKeys(issuer.url)

    assert issuer.requests == []


def test_a_key_is_found_by_its_name(issuer: LoopbackIssuer, keys: IssuerKeys) -> None:
    issuer.publish(FIRST.jwk, SECOND.jwk)

    assert found(keys, "first") == "first"
    assert found(keys, "second") == "second"
    assert issuer.fetches == 1


def test_without_a_name_the_only_key_that_fits_is_meant(
    issuer: LoopbackIssuer, keys: IssuerKeys
) -> None:
    issuer.publish(signing_key("rsa", "RS256").jwk, FIRST.jwk)

    assert found(keys, None) == "first"


def test_without_a_name_no_one_of_several_keys_is_meant(
    issuer: LoopbackIssuer, keys: IssuerKeys
) -> None:
    issuer.publish(FIRST.jwk, SECOND.jwk)

    assert found(keys, None) is None


def test_the_first_that_fits_of_the_keys_with_one_name_is_meant(
    issuer: LoopbackIssuer, keys: IssuerKeys
) -> None:
    namesake = SigningKey("first", "ES256", SECOND.private_key)
    issuer.publish(signing_key("first", "RS256").jwk, FIRST.jwk, namesake.jwk)
    key = keys.find("ES256", "first")

    assert key is not None
    assert key.key == FIRST.private_key.public_key()


@pytest.mark.parametrize(
    "algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES384", "ES512", "EdDSA"]
)
def test_a_key_without_alg_serves_every_algorithm_of_its_type(
    issuer: LoopbackIssuer, keys: IssuerKeys, algorithm: str
) -> None:
    issuer.publish(signing_key("other", algorithm).jwk)
    key = keys.find(algorithm, "other")

    assert key is not None
    assert key.algorithm_name == algorithm


@pytest.mark.parametrize(
    "unusable",
    [
        {},
        {"kty": "RSA"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "EC", "crv": "P-256", "x": 1, "y": None},
        {**signing_key("first", "ES384").jwk},
        {**signing_key("first", "RS256").jwk},
        {**FIRST.jwk, "x": "AAAA"},
        {**FIRST.jwk, "use": "enc"},
        {**FIRST.jwk, "alg": "ES512"},
        {**ECAlgorithm.to_jwk(FIRST.private_key, as_dict=True)},
    ],
)
def test_an_unusable_key_is_passed_over(
    issuer: LoopbackIssuer, keys: IssuerKeys, unusable: dict[str, Any]
) -> None:
    issuer.publish({**unusable, "kid": "unusable"}, FIRST.jwk)

    assert found(keys, "unusable") is None
    assert found(keys, "first") == "first"


def test_an_rsa_key_that_is_too_short_is_passed_over(
    issuer: LoopbackIssuer, keys: IssuerKeys
) -> None:
    issuer.publish(SigningKey("short", "RS256", rsa_private_key(1024)).jwk)

    assert found(keys, "short", "RS256") is None


# Few kinds of values, all of them near to a real key's: the point is what PyJWT makes of them.
members = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "use", "alg", "key_ops", "d"])
names = st.sampled_from(["EC", "RSA", "OKP", "oct", "P-256", "Ed25519", "ES256", "sig"])
values = (
    names
    | st.text("AQ-_=é", max_size=44)
    | st.none()
    | st.integers()
    | st.lists(names, max_size=2)
    | st.dictionaries(names, names, max_size=2)
)


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.dictionaries(members, values), max_size=5))
def test_no_key_set_whatever_is_in_it_hides_a_good_key(
    issuer: LoopbackIssuer, clock: Clock, others: list[dict[str, object]]
) -> None:
    issuer.publish(*({**other, "kid": "first"} for other in others), FIRST.jwk)
    clock.now += LIFETIME
    key = IssuerKeys(issuer.url).find("ES256", "first")

    assert key is not None
    assert key.key == FIRST.private_key.public_key()


def test_keys_are_fetched_again_after_their_lifetime(
    issuer: LoopbackIssuer, keys: IssuerKeys, clock: Clock
) -> None:
    keys.find("ES256", "first")
    clock.now += LIFETIME
    keys.find("ES256", "first")
    fetches_within_the_lifetime = issuer.fetches
    clock.now += 1
    keys.find("ES256", "first")

    assert fetches_within_the_lifetime == 1
    assert issuer.fetches == 2


def test_a_withdrawn_key_is_no_good_after_the_lifetime(
    issuer: LoopbackIssuer, keys: IssuerKeys, clock: Clock
) -> None:
    keys.find("ES256", "first")
    issuer.publish(SECOND.jwk)
    clock.now += LIFETIME + 1

    assert found(keys, "first") is None


def test_a_new_key_is_met_when_a_token_names_it(
    issuer: LoopbackIssuer, keys: IssuerKeys, clock: Clock
) -> None:
    keys.find("ES256", "first")
    issuer.publish(FIRST.jwk, SECOND.jwk)
    clock.now += COOLDOWN

    assert found(keys, "second") == "second"


def test_a_flood_of_unknown_names_is_one_fetch_each_cooldown(
    issuer: LoopbackIssuer, keys: IssuerKeys, clock: Clock
) -> None:
    for number in range(10 * COOLDOWN):
        assert found(keys, f"made up {number}") is None
        clock.now += 1

    assert issuer.fetches == 10


def test_an_unreachable_issuer_is_no_matter_for_a_known_key(
    issuer: LoopbackIssuer, keys: IssuerKeys, clock: Clock
) -> None:
    keys.find("ES256", "first")
    issuer.break_down()
    clock.now += KEPT

    assert found(keys, "first") == "first"


def test_keys_of_an_issuer_that_stays_away_are_not_good_forever(
    issuer: LoopbackIssuer, keys: IssuerKeys, clock: Clock
) -> None:
    keys.find("ES256", "first")
    issuer.break_down()
    clock.now += KEPT + 1

    with pytest.raises(IssuerUnavailable):
        keys.find("ES256", "first")


def test_an_unknown_key_of_an_unreachable_issuer_may_be_a_new_one(
    issuer: LoopbackIssuer, keys: IssuerKeys, clock: Clock
) -> None:
    keys.find("ES256", "first")
    issuer.break_down()
    clock.now += COOLDOWN

    with pytest.raises(IssuerUnavailable):
        keys.find("ES256", "second")


def test_an_unreachable_issuer_is_not_asked_at_every_request(
    issuer: LoopbackIssuer, keys: IssuerKeys
) -> None:
    issuer.break_down()
    for _ in range(5):
        with pytest.raises(IssuerUnavailable, match="HTTPError"):
            keys.find("ES256", "first")

    assert issuer.fetches == 1


def test_an_issuer_that_is_back_is_soon_found_again(
    issuer: LoopbackIssuer, keys: IssuerKeys, clock: Clock
) -> None:
    issuer.break_down()
    with pytest.raises(IssuerUnavailable):
        keys.find("ES256", "first")
    issuer.publish(FIRST.jwk)
    clock.now += COOLDOWN_AFTER_FAILURE

    assert found(keys, "first") == "first"
    assert found(keys, "made up") is None

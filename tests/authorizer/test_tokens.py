import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

from authorizer.discovery import IssuerUnavailable
from authorizer.issuer_keys import IssuerKeys
from authorizer.settings import Settings
from authorizer.tokens import (
    ALGORITHMS,
    LEEWAY,
    MAX_HEADER,
    TokenRefused,
    bearer_token,
    has_scope,
    subject,
    verified_claims,
)
from tests.authorizer.loopback import AUDIENCE, SCOPE, LoopbackIssuer, SigningKey, signing_key

KEY = signing_key("first")
ES256 = get_default_algorithms()["ES256"]


def segment(document: object) -> str:
    return encoded(json.dumps(document).encode())


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def verify(issuer: LoopbackIssuer, token: str) -> dict[str, object]:
    expected = Settings(
        authentication="oidc",
        issuer=issuer.url,
        audience=AUDIENCE,
        required_scope=SCOPE,
        read_scope="",
    )
    return dict(verified_claims(token, expected, IssuerKeys(issuer.url)))


def why_refused(issuer: LoopbackIssuer, token: str) -> str:
    with pytest.raises(TokenRefused) as refusal:
        verify(issuer, token)
    # What PyJWT says may quote the token, and a traceback would show it.
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    return str(refusal.value)


class TestBearerToken:
    """RFC 6750 2.1: Authorization: Bearer b64token."""

    @pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
    def test_the_scheme_is_of_any_case(self, scheme: str) -> None:
        assert bearer_token([scheme + "a.b_-.c"]) == "a.b_-.c"

    def test_no_header_is_no_token(self) -> None:
        with pytest.raises(TokenRefused, match="no token"):
            bearer_token([])

    def test_two_headers_are_refused_even_if_one_is_good(self) -> None:
        with pytest.raises(TokenRefused, match="several"):
            bearer_token(["Bearer a.b.c", "Bearer a.b.c"])

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "Bearer",
            "Bearer ",
            "Bearer None",
            "Bearer null",
            "Bearer a.b",
            "Bearer a.b.",
            "Bearer a.b.c.d.e",
            "Bearer a.b.c=",
            "Bearer a.b.c,Bearer a.b.c",
            "Bearer a.b.c\n",
            "Bearer\ta.b.c",
            "Bearer a.b.é",
            "Basic dXNlcjpwYXNzd29yZA==",
            "Basic a.b.c",
            "a.b.c",
        ],
    )
    def test_what_is_no_bearer_jwt_is_refused(self, value: str) -> None:
        with pytest.raises(TokenRefused, match="not a bearer token"):
            bearer_token([value])

    def test_a_header_of_the_greatest_length_is_read(self) -> None:
        assert bearer_token(["Bearer a.b.".ljust(MAX_HEADER, "c")]).endswith("cc")

    def test_a_longer_header_is_refused(self) -> None:
        with pytest.raises(TokenRefused, match="too long"):
            bearer_token(["Bearer a.b.".ljust(MAX_HEADER + 1, "c")])


class TestSignature:
    """RFC 8725 3.1: only algorithms of an allow-list, each with a key that is meant for it."""

    def test_a_good_token_gives_its_claims(self, issuer: LoopbackIssuer) -> None:
        claims = issuer.claims()

        assert verify(issuer, KEY.sign(claims)) == claims

    @pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
    def test_every_allowed_algorithm_verifies(self, issuer: LoopbackIssuer, algorithm: str) -> None:
        key = signing_key("other", algorithm)
        issuer.publish(key.jwk)

        assert verify(issuer, key.sign(issuer.claims()))["sub"] == "modality"

    def test_every_allowed_algorithm_is_asymmetric(self) -> None:
        assert not {name for name in ALGORITHMS if name.startswith("HS") or name == "none"}

    @pytest.mark.parametrize(
        "algorithm", ["none", "NONE", "", "HS256", "ES256K", None, 1, ["ES256"]]
    )
    def test_any_other_algorithm_is_refused(
        self, issuer: LoopbackIssuer, algorithm: object
    ) -> None:
        header = segment({"alg": algorithm, "kid": KEY.kid})
        token = f"{header}.{segment(issuer.claims())}.c2ln"

        assert why_refused(issuer, token) == "algorithm not allowed"
        assert issuer.requests == []

    def test_the_public_key_is_not_a_shared_secret(self, issuer: LoopbackIssuer) -> None:
        public = KEY.private_key.public_key()
        secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        signed = f"{segment({'alg': 'HS256', 'kid': KEY.kid})}.{segment(issuer.claims())}"
        signature = hmac.digest(secret, signed.encode(), hashlib.sha256)

        assert why_refused(issuer, f"{signed}.{encoded(signature)}") == "algorithm not allowed"

    def test_a_shared_secret_in_the_key_set_is_not_used(self, issuer: LoopbackIssuer) -> None:
        issuer.publish({"kty": "oct", "k": encoded(b"secret" * 8), "kid": "first"})

        assert why_refused(issuer, KEY.sign(issuer.claims())) == "unknown key"

    def test_a_key_bound_to_another_algorithm_is_not_used(self, issuer: LoopbackIssuer) -> None:
        key = signing_key("rsa", "RS256")
        issuer.publish({**key.jwk, "alg": "PS256"})

        assert why_refused(issuer, key.sign(issuer.claims())) == "unknown key"

    def test_a_signature_by_another_key_of_that_name_is_refused(
        self, issuer: LoopbackIssuer
    ) -> None:
        impostor = SigningKey(KEY.kid, "ES256", signing_key("other").private_key)

        assert why_refused(issuer, impostor.sign(issuer.claims())) == "bad signature"

    def test_a_token_without_a_key_name_is_verified_with_the_only_key(
        self, issuer: LoopbackIssuer
    ) -> None:
        assert verify(issuer, KEY.sign(issuer.claims(), kid=None))["sub"] == "modality"

    def test_a_token_without_a_key_name_is_refused_if_there_are_several_keys(
        self, issuer: LoopbackIssuer
    ) -> None:
        issuer.publish(KEY.jwk, signing_key("other").jwk)

        assert why_refused(issuer, KEY.sign(issuer.claims(), kid=None)) == "unknown key"

    def test_a_critical_header_nobody_here_understands_is_refused(
        self, issuer: LoopbackIssuer
    ) -> None:
        token = KEY.sign(issuer.claims(), crit=["exp"], exp=1)

        assert why_refused(issuer, token) == "malformed"

    def test_a_payload_outside_the_token_is_refused(self, issuer: LoopbackIssuer) -> None:
        header = segment({"alg": "ES256", "kid": KEY.kid, "b64": False, "crit": ["b64"]})

        assert why_refused(issuer, f"{header}.{segment({})}.c2ln") == "malformed"

    @pytest.mark.parametrize("name", ["jku", "x5u"])
    def test_a_key_is_never_fetched_from_where_the_token_says(
        self, issuer: LoopbackIssuer, name: str
    ) -> None:
        other = signing_key("other")
        issuer.answer("/elsewhere", {"keys": [other.jwk]})
        token = other.sign(issuer.claims(), **{name: issuer.url + "/elsewhere"})

        assert why_refused(issuer, token) == "unknown key"
        assert "/elsewhere" not in issuer.requests

    def test_a_key_in_the_token_is_not_used(self, issuer: LoopbackIssuer) -> None:
        other = signing_key("other")

        assert why_refused(issuer, other.sign(issuer.claims(), jwk=other.jwk)) == "unknown key"

    @pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt", None])
    def test_the_types_of_an_access_token_are_good(
        self, issuer: LoopbackIssuer, typ: str | None
    ) -> None:
        header = {"alg": "ES256", "kid": KEY.kid} | ({"typ": typ} if typ else {})

        assert verify(issuer, resigned(header, issuer.claims()))["sub"] == "modality"

    @pytest.mark.parametrize("typ", ["logout+jwt", "dpop+jwt", "", None, ["JWT"]])
    def test_a_token_of_another_type_is_refused(self, issuer: LoopbackIssuer, typ: object) -> None:
        header = {"alg": "ES256", "kid": KEY.kid, "typ": typ}

        assert why_refused(issuer, resigned(header, issuer.claims())) == "not an access token"

    def test_an_unreachable_issuer_makes_no_token_bad(self, issuer: LoopbackIssuer) -> None:
        issuer.break_down()

        with pytest.raises(IssuerUnavailable):
            verify(issuer, KEY.sign(issuer.claims()))

    @pytest.mark.parametrize(
        "content", [b"", b"[]", b"null", b"\xff", b"[" * 9000, b'{"a":' * 3000, b'{"exp":1']
    )
    def test_a_payload_that_is_no_object_is_refused(
        self, issuer: LoopbackIssuer, content: bytes
    ) -> None:
        header = segment({"alg": "ES256", "kid": KEY.kid})
        body = f"{header}.{encoded(content)}"

        assert why_refused(issuer, f"{body}.{signature(body)}") == "malformed"

    @pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 9000, b'{"alg":' * 3000])
    def test_a_header_that_is_no_object_is_refused(
        self, issuer: LoopbackIssuer, content: bytes
    ) -> None:
        body = f"{encoded(content)}.{segment(issuer.claims())}"

        assert why_refused(issuer, f"{body}.{signature(body)}") == "malformed"

    @pytest.mark.parametrize("kid", [1, None, ["first"], {}])
    def test_a_key_name_that_is_no_string_is_refused(
        self, issuer: LoopbackIssuer, kid: object
    ) -> None:
        token = resigned({"alg": "ES256", "kid": kid}, issuer.claims())

        assert why_refused(issuer, token) == "malformed"


def resigned(header: Mapping[str, object], claims: Mapping[str, object]) -> str:
    body = f"{segment(header)}.{segment(claims)}"
    return f"{body}.{signature(body)}"


def signature(body: str) -> str:
    return encoded(ES256.sign(body.encode(), KEY.private_key))


class TestClaims:
    """RFC 7519 4.1, RFC 8725 3.8 and 3.9."""

    @pytest.mark.parametrize(
        ("changes", "category"),
        [
            ({"iss": "https://other.example"}, "wrong issuer"),
            ({"iss": None}, "claim missing"),
            ({"aud": "other"}, "wrong audience"),
            ({"aud": ["other", "another"]}, "wrong audience"),
            ({"aud": []}, "wrong audience"),
            ({"aud": {"stowport": 1}}, "wrong audience"),
            ({"aud": [["stowport"]]}, "wrong audience"),
            ({"aud": "stowport other"}, "wrong audience"),
            ({"aud": None}, "wrong audience"),
            ({"aud": None, "client_id": AUDIENCE}, "wrong audience"),
            ({"exp": None}, "claim missing"),
            ({"exp": "soon"}, "malformed"),
            ({"exp": float("inf")}, "malformed"),
            ({"exp": float("nan")}, "malformed"),
            ({"nbf": "now"}, "malformed"),
            ({"sub": 1}, "malformed"),
        ],
    )
    def test_a_wrong_claim_is_refused(
        self, issuer: LoopbackIssuer, changes: dict[str, object], category: str
    ) -> None:
        assert why_refused(issuer, KEY.sign(issuer.claims(**changes))) == category

    @pytest.mark.parametrize("change", ["/", " ", "#"])
    def test_the_issuer_is_compared_to_the_letter(
        self, issuer: LoopbackIssuer, change: str
    ) -> None:
        token = KEY.sign(issuer.claims(iss=issuer.url + change))

        assert why_refused(issuer, token) == "wrong issuer"

    @pytest.mark.parametrize("aud", [AUDIENCE, [AUDIENCE], ["other", AUDIENCE]])
    def test_the_audience_may_be_one_of_several(self, issuer: LoopbackIssuer, aud: object) -> None:
        assert verify(issuer, KEY.sign(issuer.claims(aud=aud)))["aud"] == aud

    def test_clocks_may_differ_by_the_leeway(self, issuer: LoopbackIssuer) -> None:
        now = int(time.time())
        claims = issuer.claims(exp=now - LEEWAY + 10, nbf=now + LEEWAY - 10, iat=now + LEEWAY - 10)

        assert verify(issuer, KEY.sign(claims))["sub"] == "modality"

    def test_a_token_that_expired_before_the_leeway_is_refused(
        self, issuer: LoopbackIssuer
    ) -> None:
        token = KEY.sign(issuer.claims(exp=int(time.time()) - LEEWAY))

        assert why_refused(issuer, token) == "expired"

    @pytest.mark.parametrize("claim", ["nbf", "iat"])
    def test_a_token_of_the_future_is_refused(self, issuer: LoopbackIssuer, claim: str) -> None:
        token = KEY.sign(issuer.claims(**{claim: int(time.time()) + LEEWAY + 10}))

        assert why_refused(issuer, token) == "not valid yet"

    def test_a_cognito_access_token_names_its_client_in_place_of_an_audience(
        self, issuer: LoopbackIssuer
    ) -> None:
        claims = issuer.claims(aud=None, client_id=AUDIENCE, token_use="access")

        assert verify(issuer, KEY.sign(claims))["client_id"] == AUDIENCE

    @pytest.mark.parametrize(
        "changes",
        [
            {"aud": None, "client_id": "other", "token_use": "access"},
            {"aud": "other", "client_id": AUDIENCE, "token_use": "access"},
        ],
    )
    def test_a_cognito_token_of_another_client_is_refused(
        self, issuer: LoopbackIssuer, changes: dict[str, object]
    ) -> None:
        assert why_refused(issuer, KEY.sign(issuer.claims(**changes))) == "wrong audience"


# What the providers document of their access tokens, and of the ID tokens of the same sign-in.
PROVIDERS: dict[str, tuple[dict[str, str], dict[str, object]]] = {
    "Cognito, a user": (
        {},
        {
            "aud": None,
            "client_id": AUDIENCE,
            "token_use": "access",
            "origin_jti": "7c9e",
            "cognito:groups": ["modalities"],
        },
    ),
    "Cognito, a daemon": (
        {},
        {"aud": None, "sub": AUDIENCE, "client_id": AUDIENCE, "token_use": "access"},
    ),
    "Entra v1": (
        {"typ": "JWT", "x5t": "kidx"},
        {"appid": "d1", "appidacr": "1", "oid": "o1", "roles": [SCOPE], "ver": "1.0"},
    ),
    "Entra v2": (
        {"typ": "JWT"},
        {"azp": "d1", "azpacr": "1", "oid": "o1", "scp": SCOPE, "ver": "2.0", "uti": "u"},
    ),
    "Keycloak": (
        {"typ": "JWT"},
        {"typ": "Bearer", "azp": "sender", "sid": "s1", "acr": "1", "aud": [AUDIENCE, "account"]},
    ),
    "Keycloak before 25": ({"typ": "JWT"}, {"typ": "Bearer", "azp": "sender", "nonce": "n1"}),
    "Keycloak, RFC 9068": ({"typ": "at+jwt"}, {"typ": "Bearer", "azp": "sender"}),
    "Keycloak without the scope basic": (
        {"typ": "JWT"},
        {"typ": "Bearer", "sub": None, "client_id": "sender"},
    ),
    "Okta": ({}, {"ver": 1, "cid": "0oa1", "uid": "00u1", "scp": [SCOPE], "auth_time": 1}),
    "Auth0": ({"typ": "at+jwt"}, {"sub": "c1@clients", "client_id": "c1", "gty": "x"}),
}
ID_TOKENS: dict[str, tuple[dict[str, str], dict[str, object]]] = {
    "Cognito": ({}, {"token_use": "id", "cognito:username": "x"}),
    "Cognito, for no audience": (
        {},
        {"aud": None, "client_id": AUDIENCE, "token_use": "id"},
    ),
    "Entra": ({"typ": "JWT"}, {"nonce": "n1", "ver": "2.0", "tid": "t1"}),
    "Entra, hybrid": ({"typ": "JWT"}, {"c_hash": "h", "ver": "2.0"}),
    "Keycloak": ({"typ": "JWT"}, {"typ": "ID", "at_hash": "h", "azp": "sender"}),
    "Keycloak, without a hash": ({"typ": "JWT"}, {"typ": "ID", "azp": "sender"}),
    "Keycloak, offline": ({"typ": "JWT"}, {"typ": "Offline"}),
    "Okta": ({}, {"at_hash": "h", "amr": ["pwd"], "idp": "00o1", "ver": 1}),
    "a hash in spite of the type": ({"typ": "at+jwt"}, {"at_hash": "h"}),
    "a nonce and nothing else": ({}, {"nonce": "n1"}),
}


class TestKind:
    """RFC 8725 3.11, OpenID Connect Core 1.0 2: an ID token is for the client, not for us."""

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_the_access_tokens_of_the_providers_are_good(
        self, issuer: LoopbackIssuer, provider: str
    ) -> None:
        header, claims = PROVIDERS[provider]
        token = KEY.sign(issuer.claims(**claims), **header)

        assert subject(verify(issuer, token))

    @pytest.mark.parametrize("provider", ID_TOKENS)
    def test_the_id_tokens_of_the_providers_are_refused(
        self, issuer: LoopbackIssuer, provider: str
    ) -> None:
        header, claims = ID_TOKENS[provider]
        token = KEY.sign(issuer.claims(**claims), **header)

        assert why_refused(issuer, token) == "not an access token"

    @pytest.mark.parametrize("typ", [None, 1, ["Bearer"], {}, "something else"])
    def test_a_claim_typ_of_another_meaning_says_nothing(
        self, issuer: LoopbackIssuer, typ: object
    ) -> None:
        assert verify(
            issuer, resigned({"alg": "ES256", "kid": KEY.kid}, {**issuer.claims(), "typ": typ})
        )


class TestSubject:
    """RFC 9068 2.2: an access token says whose it is."""

    def test_it_is_the_sub(self) -> None:
        assert subject({"sub": "modality", "client_id": "gateway"}) == "modality"

    @pytest.mark.parametrize("sub", [None, "", 1])
    def test_without_one_it_is_the_client(self, sub: object) -> None:
        assert subject({"sub": sub, "client_id": "gateway"}) == "gateway"

    @pytest.mark.parametrize(
        "claims", [{}, {"sub": ""}, {"sub": None, "client_id": ""}, {"client_id": ["gateway"]}]
    )
    def test_a_token_without_either_is_refused(self, claims: dict[str, object]) -> None:
        with pytest.raises(TokenRefused, match="no subject"):
            subject(claims)


class TestScope:
    """RFC 8693 4.2: scope is a space separated string; Okta and Entra have their own claims."""

    @pytest.mark.parametrize(
        "claims",
        [
            {"scope": SCOPE},
            {"scope": f"openid {SCOPE} profile"},
            {"scope": ["openid", SCOPE]},
            {"scp": SCOPE},
            {"scp": f"openid {SCOPE}"},
            {"scp": ["openid", SCOPE]},
            {"roles": [SCOPE]},
            {"scope": "openid", "roles": [SCOPE]},
        ],
    )
    def test_the_scope_may_stand_in_any_of_the_claims(self, claims: dict[str, object]) -> None:
        assert has_scope(claims, SCOPE)

    @pytest.mark.parametrize(
        "claims",
        [
            {},
            {"scope": ""},
            {"scope": None},
            {"scope": "studies"},
            {"scope": SCOPE + ".all"},
            {"scope": SCOPE.upper()},
            {"scope": {SCOPE: True}},
            {"scope": [[SCOPE], 1, None]},
            {"permissions": [SCOPE]},
        ],
    )
    def test_without_the_scope_nobody_may_store(self, claims: dict[str, object]) -> None:
        assert not has_scope(claims, SCOPE)

    @pytest.mark.parametrize("required", ["", " "])
    def test_if_none_is_required_none_is_needed(self, required: str) -> None:
        assert has_scope({}, required)

    def test_if_two_are_required_one_is_not_enough(self) -> None:
        assert not has_scope({"scope": "a"}, "a b")
        assert has_scope({"scope": "b", "roles": ["a"]}, "a b")

"""From the Authorization header to the claims of a verified token (RFC 6750, RFC 7519, RFC 8725).

Three questions, three functions: `verified_claims` says whether the token is good, `subject` whose
it is, and `has_scope` whether it is sufficient. A refusal names only its category: a token and its
claims identify somebody, so no part of either is ever put into a message.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import jwt

from authorizer.issuer_keys import IssuerKeys
from authorizer.settings import Settings

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""Signatures that only the issuer can make: no ``none``, no shared secrets (RFC 8725 3.1)."""

LEEWAY = 60
"""Seconds by which the issuer's clock and this one may differ (RFC 7519 4.1.4)."""

MAX_HEADER = 16 * 1024
"""The most characters of an Authorization header."""

# RFC 6750 2.1, with the compact form of RFC 7515 7.1 in place of any b64token.
_BEARER = re.compile(r"bearer +([\w-]+\.[\w-]+\.[\w-]+)", re.ASCII | re.IGNORECASE)
_EXPLICIT_TYPES = {"at+jwt", "application/at+jwt"}
_ACCESS_TOKEN_TYPES = {"jwt", *_EXPLICIT_TYPES}
# The claim typ of Keycloak's tokens; that of its access tokens is Bearer.
_OTHER_TOKENS = {"id", "refresh", "offline", "logout"}
# OpenID Connect Core 1.0, 3.3.2.11: only an ID token has these.
_HASHES = {"at_hash", "c_hash"}
_SCOPE_CLAIMS = ("scope", "scp", "roles")
_CATEGORIES: Mapping[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "expired",
    jwt.ImmatureSignatureError: "not valid yet",
    jwt.InvalidIssuerError: "wrong issuer",
    jwt.InvalidSignatureError: "bad signature",
    jwt.MissingRequiredClaimError: "claim missing",
}


class TokenRefused(Exception):
    """There is no good token; ``str()`` of it is the category for the log."""


def bearer_token(authorization: Sequence[str]) -> str:
    """Return the JWT in the values of a request's Authorization headers.

    Raises
    ------
    TokenRefused
        There is not exactly one value, or it is not the Bearer scheme with a JWT.
    """
    if len(authorization) != 1:
        raise TokenRefused("several Authorization headers" if authorization else "no token")
    if len(authorization[0]) > MAX_HEADER:
        raise TokenRefused("too long")
    match = _BEARER.fullmatch(authorization[0])
    if match is None:
        raise TokenRefused("not a bearer token")
    return match[1]


def verified_claims(token: str, settings: Settings, keys: IssuerKeys) -> Mapping[str, Any]:
    """Return the claims of ``token`` if it is an access token for this service, valid now.

    Raises
    ------
    TokenRefused
        It is not, or that cannot be proved.
    IssuerUnavailable
        The key that it names is not in memory, and the issuer cannot be asked for it.
    """
    try:
        header = jwt.get_unverified_header(token)
        claims: Mapping[str, Any] = jwt.decode(
            token,
            _signing_key(header, keys),
            algorithms=sorted(ALGORITHMS),
            issuer=settings.issuer,
            leeway=LEEWAY,
            options={"require": ["exp"], "verify_aud": False},
        )
    except jwt.PyJWTError as error:
        raise TokenRefused(_CATEGORIES.get(type(error), "malformed")) from None
    if _is_another_token(header, claims):
        raise TokenRefused("not an access token")
    if not _is_meant_for(settings.audience, claims):
        raise TokenRefused("wrong audience")
    return claims


def subject(claims: Mapping[str, Any]) -> str:
    """Return whose token it is: its ``sub``, or the ``client_id`` of a token without one.

    Raises
    ------
    TokenRefused
        It has neither, so it is nobody's (RFC 9068 2.2 requires both).
    """
    for name in ("sub", "client_id"):
        if isinstance(claims.get(name), str) and claims[name]:
            return str(claims[name])
    raise TokenRefused("no subject")


def has_scope(claims: Mapping[str, Any], required_scope: str) -> bool:
    """Whether ``claims`` hold every scope of ``required_scope`` (space separated, may be empty)."""
    granted = {value for name in _SCOPE_CLAIMS for value in _values(claims.get(name))}
    return granted.issuperset(required_scope.split())


def _signing_key(header: Mapping[str, Any], keys: IssuerKeys) -> jwt.PyJWK:
    algorithm, typ = header.get("alg"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused("algorithm not allowed")
    # RFC 8725 3.11: an issuer also signs other tokens, such as logout tokens.
    if not isinstance(typ, str) or typ.lower() not in _ACCESS_TOKEN_TYPES:
        raise TokenRefused("not an access token")
    key = keys.find(algorithm, header.get("kid"))
    if key is None:
        raise TokenRefused("unknown key")
    return key


def _is_another_token(header: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    """Whether a token says by its claims that it is not an access token.

    An ID token is signed with the same keys, and its audience is the client that got it (OpenID
    Connect Core 1.0, 2). Its ``nonce`` is a sign only if the token does not say what it is: access
    tokens of Keycloak before 25 have one too.
    """
    stated, use = str(claims.get("typ")).lower(), claims.get("token_use")  # Keycloak's, Cognito's
    if stated in _OTHER_TOKENS or use not in (None, "access") or _HASHES & claims.keys():
        return True
    # RFC 9068 2.1 and 5: this type keeps an ID token from being taken for an access token.
    is_explicit = str(header.get("typ")).lower() in _EXPLICIT_TYPES or stated == "bearer"
    return "nonce" in claims and not is_explicit


def _is_meant_for(audience: str, claims: Mapping[str, Any]) -> bool:
    if "aud" in claims:
        return audience in _listed(claims["aud"])
    # Cognito's access tokens have no audience.
    return claims.get("token_use") == "access" and claims.get("client_id") == audience


def _listed(claim: object) -> list[object]:
    return claim if isinstance(claim, list) else [claim]


def _values(claim: object) -> list[str]:
    """Return the values of a claim that is a list, or a space separated string (RFC 8693 4.2)."""
    if isinstance(claim, str):
        return claim.split()
    return [value for value in _listed(claim) if isinstance(value, str)]

"""Any Authorization header is allowed, denied or refused, and allowed only with a good token."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from io import StringIO
from typing import Any
from unittest import mock

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import authorizer.handler
from authorizer.handler import Unauthorized, lambda_handler
from events.proxy import authorizer_event
from tests.fuzz.invariants import check_log
from tests.fuzz.mutate_documents import change_json
from tests.fuzz.mutations import CANARY, MAX_HEAD, Chance, change_bytes
from tests.store.lambdas import Context

_ISSUER, _AUDIENCE = "https://issuer.example", "stowport"
_ENVIRONMENT = {
    "AUTHENTICATION": "oidc",
    "OIDC_ISSUER": _ISSUER,
    "OIDC_AUDIENCE": _AUDIENCE,
    "REQUIRED_SCOPE": "store",
}
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def _encoded(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _decoded(data: bytes) -> bytes:
    return urlsafe_b64decode(data + b"=" * (-len(data) % 4))


def _signed(header: bytes, claims: bytes) -> bytes:
    content = _encoded(header) + b"." + _encoded(claims)
    return b"Bearer " + content + b"." + _encoded(_KEY.sign(content))


_HEADER = {"alg": "EdDSA", "typ": "at+jwt", "kid": "k"}
_CLAIMS = {
    "iss": _ISSUER,
    "aud": [_AUDIENCE],
    "sub": CANARY,
    "exp": 1 << 40,
    "nbf": 0,
    "iat": 0,
    "scope": "store",
    "client_id": CANARY,
}
SEEDS = (
    _signed(json.dumps(_HEADER).encode(), json.dumps(_CLAIMS).encode()),
    _signed(b'{"alg": "EdDSA"}', json.dumps({**_CLAIMS, "token_use": "access"}).encode()),
    b"Bearer " + CANARY.encode() + b".e30.",
    b"Basic " + CANARY.encode(),
)


def mutation(chance: Chance, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change a node of the header or of the claims, and sign again; else any byte."""
    try:
        header, claims, _ = map(_decoded, data.removeprefix(b"Bearer ").split(b"."))
    except ValueError:
        return change_bytes(chance, data, others)
    if chance.random() < 0.3:
        return _signed(change_json(chance, header, (header,)), claims)
    return _signed(header, change_json(chance, claims, (claims,)))


def target(data: bytes) -> None:
    """Ask whether a request with this header may store."""
    event = authorizer_event({"Authorization": data[:MAX_HEAD].decode("latin-1")})
    event["multiValueHeaders"] = None
    log = StringIO()
    with (
        mock.patch.dict("os.environ", _ENVIRONMENT),
        mock.patch("authorizer.issuer_keys.fetch_keys", _keys),
        mock.patch.object(authorizer.handler.logger.registered_handler, "stream", log),
    ):
        try:
            policy = lambda_handler(event, Context(5))
        except Unauthorized:
            policy = None
    check_log(log.getvalue())
    if policy:
        assert CANARY not in json.dumps(policy)
        assert _is_good(data) or policy["policyDocument"]["Statement"][0]["Effect"] == "Deny"


def _keys(issuer: str) -> list[dict[str, Any]]:
    assert issuer == _ISSUER
    public = _KEY.public_key().public_bytes_raw()
    return [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": _encoded(public).decode()}]


def _is_good(field: bytes) -> bool:
    """Tell whether the key has signed claims that allow to store."""
    content, _, signature = field.split(b" ")[-1].rpartition(b".")
    try:
        _KEY.public_key().verify(_decoded(signature), content)
    except (InvalidSignature, ValueError):
        return False
    claims = json.loads(_decoded(content.partition(b".")[2]))
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    return (
        claims["iss"] == _ISSUER
        and _AUDIENCE in audience
        and float(claims["exp"]) > 1_700_000_000
        and any(isinstance(claims.get(name), str) for name in ("sub", "client_id"))
        and not {"at_hash", "c_hash"} & claims.keys()
        and "store" in json.dumps([claims.get(name) for name in ("scope", "scp", "roles")])
    )

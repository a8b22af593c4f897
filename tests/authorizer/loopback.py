"""An identity provider that the tests can make misbehave, and keys to sign tokens with."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from threading import Event
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import Algorithm, get_default_algorithms

CONFIGURATION = "/.well-known/openid-configuration"
JWKS = "/keys"
AUDIENCE = "stowport"
SCOPE = "studies:store"


@dataclass(frozen=True)
class SigningKey:
    kid: str
    algorithm: str
    private_key: Any

    @property
    def jwk(self) -> dict[str, Any]:
        public_key = self.private_key.public_key()
        return {**_algorithm(self.algorithm).to_jwk(public_key, as_dict=True), "kid": self.kid}

    def sign(self, claims: Mapping[str, Any], **header: object) -> str:
        headers = {"kid": self.kid, **header}
        present = {name: value for name, value in headers.items() if value is not None}
        # As a JWS, because jwt.encode refuses claims that a test may want to be wrong.
        payload = json.dumps(claims).encode()
        return jwt.api_jws.encode(payload, self.private_key, self.algorithm, headers=present)


def _algorithm(name: str) -> Algorithm:
    return get_default_algorithms()[name]


@cache
def signing_key(kid: str, algorithm: str = "ES256") -> SigningKey:
    if algorithm.startswith("ES"):
        curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
        return SigningKey(kid, algorithm, ec.generate_private_key(curves[algorithm]))
    if algorithm == "EdDSA":
        return SigningKey(kid, algorithm, ed25519.Ed25519PrivateKey.generate())
    return SigningKey(kid, algorithm, rsa_private_key())


@cache
def rsa_private_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass
class Answer:
    status: int = 200
    content: bytes = b""
    header: tuple[str, str] = ("Content-Type", "application/json")


@dataclass
class LoopbackIssuer:
    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    silent: Event = field(default_factory=Event)
    dripping: set[str] = field(default_factory=set)

    def publish(self, *keys: object) -> None:
        self.answer(CONFIGURATION, {"issuer": self.url, "jwks_uri": self.url + JWKS})
        self.answer(JWKS, {"keys": keys})

    def answer(self, path: str, document: object) -> None:
        self.answers[path] = Answer(content=json.dumps(document).encode())

    def break_down(self) -> None:
        self.answers = {CONFIGURATION: Answer(503), JWKS: Answer(503)}

    @property
    def fetches(self) -> int:
        return self.requests.count(CONFIGURATION)

    def claims(self, **changes: object) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "modality",
            "scope": SCOPE,
            "iat": now,
            "exp": now + 600,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}


class Server(ThreadingTCPServer):
    daemon_threads = True
    issuer: LoopbackIssuer


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        issuer = self.server.issuer
        issuer.requests.append(self.path)
        if issuer.silent.is_set():
            time.sleep(0.5)
            return
        answer = issuer.answers.get(self.path, Answer(404))
        self.send_response(answer.status)
        self.send_header(*answer.header)
        self.send_header("Content-Length", str(len(answer.content)))
        if "head" in issuer.dripping:
            self._drip(b"X-Padding: " + b"x" * 100)
        self.end_headers()
        if "body" in issuer.dripping:
            self._drip(answer.content)
        else:
            self.wfile.write(answer.content)

    def _drip(self, content: bytes) -> None:
        self.flush_headers()
        with suppress(OSError):
            for byte in content:
                self.wfile.write(bytes([byte]))
                time.sleep(0.02)

    def do_CONNECT(self) -> None:
        self.server.issuer.requests.append(self.path)
        self.send_error(502)

    def log_message(self, *_: object) -> None:
        pass

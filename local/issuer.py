"""An OpenID Connect issuer on loopback, for the laptop and the tests (never deployed).

It stands in for the identity provider: ``Issuer.start`` makes a key pair, serves its public half
and leaves a state directory, from which ``mint`` signs tokens in any other process of the same
user. Anyone who can read that directory can store, so only its owner may read it.

``python -m local.issuer token`` prints a token for the running service.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from secrets import token_hex
from socketserver import ThreadingTCPServer
from threading import Thread

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import RSAAlgorithm

STATE = Path(".stowport")
LIFETIME = 3600
_KEY_FILE = "issuer.pem"
_STATE_FILE = "issuer.json"


class NoIssuer(Exception):
    """No local issuer is running with this state directory."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """A running issuer; ``url`` is its issuer identifier, the value of ``OIDC_ISSUER``."""

    url: str
    state: Path
    _server: ThreadingTCPServer

    @classmethod
    def start(cls, state: Path, *, audience: str, scope: str = "", port: int = 0) -> "Issuer":
        """Make a key pair, serve it on a loopback ``port`` (0: any free one) and return.

        ``audience`` and ``scope`` are what ``mint`` puts into tokens unless told otherwise.

        Raises
        ------
        OSError
            The port is taken, or the state directory cannot be written.
        """
        server = _Server(("127.0.0.1", port), _Documents)
        url = f"http://127.0.0.1:{server.server_address[1]}"
        key = generate_private_key(public_exponent=65537, key_size=2048)
        # Different at every start: a key with the same name as another would be taken for it.
        kid = token_hex(8)
        server.documents = _documents(url, key.public_key(), kid)
        settings = {"issuer": url, "audience": audience, "scope": scope, "kid": kid}
        _write_state(state, key, settings)
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return cls(url, state, server)

    def mint(self, scope: str | None = None, lifetime: int = LIFETIME) -> str:
        """Return a token of this issuer; see `mint`."""
        return mint(self.state, scope, lifetime)

    def stop(self) -> None:
        """Stop serving and forget the key: no more tokens can be minted."""
        self._server.shutdown()
        self._server.server_close()
        (self.state / _STATE_FILE).unlink(missing_ok=True)
        (self.state / _KEY_FILE).unlink(missing_ok=True)


def mint(state: Path = STATE, scope: str | None = None, lifetime: int = LIFETIME) -> str:
    """Return an access token (RFC 9068) signed by the issuer that keeps its state in ``state``.

    ``scope`` is a space separated list, by default the scope the issuer was started with;
    ``lifetime`` is in seconds and may be negative, for a token that has expired.

    Raises
    ------
    NoIssuer
        No issuer is running with this state directory.
    """
    try:
        settings = json.loads((state / _STATE_FILE).read_text("utf-8"))
        key = (state / _KEY_FILE).read_bytes()
    except FileNotFoundError:
        raise NoIssuer(
            f"no local issuer has its state in {state}: start one with make run Authentication=oidc"
        ) from None
    now = int(time.time())
    claims = {
        "iss": settings["issuer"],
        "aud": settings["audience"],
        "sub": "local-sender",
        "scope": settings["scope"] if scope is None else scope,
        "iat": now,
        "exp": now + lifetime,
    }
    return jwt.encode(claims, key, "RS256", headers={"kid": settings["kid"], "typ": "at+jwt"})


class _Server(ThreadingTCPServer):
    """HTTP over TCPServer, because HTTPServer looks its own name up in the DNS when it starts."""

    allow_reuse_address = True
    daemon_threads = True
    documents: Mapping[str, bytes]


class _Documents(BaseHTTPRequestHandler):
    """Answers with the server's documents, one for each path."""

    server: _Server

    def do_GET(self) -> None:
        document = self.server.documents.get(self.path)
        self.send_response(HTTPStatus.NOT_FOUND if document is None else HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(document or b"")))
        self.end_headers()
        self.wfile.write(document or b"")

    def log_message(self, *_: object) -> None:
        """Say nothing: the laptop's console has one line for each request stored."""


def _documents(url: str, key: RSAPublicKey, kid: str) -> dict[str, bytes]:
    configuration = {
        "issuer": url,
        "jwks_uri": f"{url}/jwks.json",
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    public_key = RSAAlgorithm.to_jwk(key, as_dict=True)
    jwks = {"keys": [{**public_key, "kid": kid, "alg": "RS256", "use": "sig"}]}
    return {
        "/.well-known/openid-configuration": json.dumps(configuration).encode(),
        "/jwks.json": json.dumps(jwks).encode(),
    }


def _write_state(state: Path, key: RSAPrivateKey, settings: Mapping[str, str]) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    state.mkdir(parents=True, exist_ok=True)
    _write_private(state / _KEY_FILE, pem)
    _write_private(state / _STATE_FILE, json.dumps(settings).encode())


def _write_private(path: Path, content: bytes) -> None:
    # Unlinked first: a mode is only given to a file that open() makes.
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m local.issuer", description=main.__doc__)
    token = parser.add_subparsers(required=True).add_parser("token", help="print a bearer token")
    token.add_argument(
        "--scope", help="space-separated; default: the scopes that may store and read"
    )
    token.add_argument("--state", type=Path, default=STATE, help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        sys.stdout.write(mint(options.state, options.scope) + "\n")
    except NoIssuer as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

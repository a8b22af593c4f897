"""Tokens that an issuer gives to a client with an ID and a secret (RFC 6749 4.4)."""

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from stowport import clientcredentials
from stowport.clientcredentials import ClientCredentials
from stowport.command import main
from stowport.connections import Connections
from stowport.credentials import NoToken
from stowport.messages import Request
from stowport.tls import TLS
from tests.builders import instance
from tests.client.stub import Stub

PHRASE = "a phrase: of%20two+words"


class Issuer(ThreadingHTTPServer):
    """Gives a token after the other, or ``answer`` with ``status``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Endpoint)
        self.url = f"http://127.0.0.1:{self.server_port}/token"
        self.status = 200
        self.faults: list[int] = []
        self.answer: bytes | None = None
        self.lifetime: object = 3600
        self.asked: list[tuple[str, dict[str, list[str]]]] = []

    def given(self) -> dict[str, Any]:
        number = len(self.asked)
        return {
            "access_token": f"token-{number}",
            "token_type": "Bearer",
            "expires_in": self.lifetime,
        }


class _Endpoint(BaseHTTPRequestHandler):
    server: Issuer

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append((self.headers["Authorization"], parse_qs(form)))
        answer = self.server.answer
        body = json.dumps(self.server.given()).encode() if answer is None else answer
        faults = self.server.faults
        self.send_response(faults.pop() if faults else self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def credentials(issuer: Issuer, scope: str = "stowport/store") -> ClientCredentials:
    return ClientCredentials(issuer.url, "relay", PHRASE, scope, Connections(1, TLS()))


def sent(with_these: ClientCredentials) -> Request:
    return with_these.authorize(Request(method="GET", url="https://x.example.org", headers={}))


def test_the_issuer_is_asked_once_while_its_token_is_good(issuer: Issuer) -> None:
    found = credentials(issuer)
    assert [sent(found).headers["Authorization"] for _ in range(3)] == ["Bearer token-1"] * 3
    [(authorization, form)] = issuer.asked
    assert form == {"grant_type": ["client_credentials"], "scope": ["stowport/store"]}
    identified = b64decode(authorization.removeprefix("Basic ")).decode()
    assert identified == "relay:a%20phrase%3A%20of%2520two%2Bwords"


def test_no_scope_is_asked_for_without_one(issuer: Issuer) -> None:
    sent(credentials(issuer, scope=""))
    assert issuer.asked[0][1] == {"grant_type": ["client_credentials"]}


def test_a_refused_token_is_replaced_once_for_all_that_have_it(issuer: Issuer) -> None:
    found = credentials(issuer)
    one, other = sent(found), sent(found)
    assert found.refused(one)
    assert sent(found).headers["Authorization"] == "Bearer token-2"
    assert found.refused(other)
    assert sent(found).headers["Authorization"] == "Bearer token-2"


@pytest.mark.parametrize(
    ("lifetime", "later", "token"),
    [
        (3600, 3500, "token-1"),
        (3600, 3545, "token-2"),
        pytest.param("3600", 3500, "token-1", id="text"),
        (80, 39, "token-1"),
        (80, 41, "token-2"),
        (None, 200, "token-1"),
        (None, 241, "token-2"),
        (-1, 241, "token-2"),
    ],
)
def test_a_token_is_not_used_to_its_last_minute(
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
    lifetime: object,
    later: float,
    token: str,
) -> None:
    now = 1000.0
    monkeypatch.setattr(clientcredentials, "monotonic", lambda: now)
    issuer.lifetime = lifetime
    found = credentials(issuer)
    sent(found)
    now += later
    assert sent(found).headers["Authorization"] == f"Bearer {token}"


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (401, b'{"error": "invalid_client"}', "the issuer answered 401: invalid_client$"),
        (400, b'{"error": "\\u001b[31mred"}', r"answered 400: .\[31mred$"),
        (500, b"", "answered 500$"),
        (302, b"", "answered 302$"),
        (200, b"no JSON", "without a bearer token"),
        (200, b"[" * 100_000, "without a bearer token"),
        (200, b'["access_token"]', "without a bearer token"),
        (200, b'{"access_token": "a b", "token_type": "bearer"}', "without a bearer token"),
        (200, b'{"access_token": "abc", "token_type": "mac"}', "without a bearer token"),
    ],
)
def test_what_the_issuer_refuses_is_said(
    issuer: Issuer, status: int, answer: bytes, words: str
) -> None:
    issuer.status, issuer.answer = status, answer
    with pytest.raises(NoToken, match=words) as error:
        sent(credentials(issuer))
    assert "phrase" not in str(error.value)


def test_one_fault_of_the_issuer_does_not_end_a_send(issuer: Issuer) -> None:
    issuer.faults = [503]
    assert sent(credentials(issuer)).headers["Authorization"] == "Bearer token-2"


def test_an_issuer_that_is_not_there_is_said() -> None:
    found = ClientCredentials("http://127.0.0.1:9/t", "a", PHRASE, "", Connections(1, TLS()))
    with pytest.raises(NoToken, match="the issuer cannot be reached: Connection refused"):
        sent(found)


def test_a_send_goes_with_a_token_of_the_issuer(
    issuer: Issuer, stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOWPORT_CLIENT_SECRET", PHRASE)
    (tmp_path / "a.dcm").write_bytes(instance(1))
    stub.token = "token-1"
    options = ["--token-url", issuer.url, "--client-id", "relay", "--scope", "stowport/store"]
    assert main(["send", str(tmp_path / "a.dcm"), "--url", stub.url, *options]) == 0
    assert len(issuer.asked) == 1


def test_a_secret_in_clear_text_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STOWPORT_CLIENT_SECRET", PHRASE)
    options = ["--token-url", "http://login.example.org/token", "--client-id", "relay"]
    main(["send", "/absent", "--url", "https://x.example.org", *options])
    assert "the client's secret goes to the issuer over plain HTTP" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--token-url", "https://login.example.org/token"],
        ["--token-url", "https://login.example.org/token", "--client-id", "relay"],
        ["--client-id", "relay"],
        ["--scope", "stowport/store"],
    ],
)
def test_what_belongs_together_is_given_together(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STOWPORT_CLIENT_SECRET", raising=False)
    assert main(["send", str(tmp_path), "--url", "https://x.example.org", *options]) == 2

"""Servers of https: whom the sender trusts, and how it identifies itself."""

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from urllib3.exceptions import SSLError

from stowport.command import main
from stowport.connections import Connections
from stowport.faults import in_words, is_final
from stowport.tls import TLS
from tests.builders import instance
from tests.client.stub import Stub, serving

Capture = pytest.CaptureFixture[str]

_WANTED = "the server asks for a client certificate, expected one in --cert"

AUTHORITY = trustme.CA()
OTHER_AUTHORITY = trustme.CA()
SERVER = AUTHORITY.issue_cert("127.0.0.1")
CLIENT = AUTHORITY.issue_cert("sender@example.org")
STRANGER = OTHER_AUTHORITY.issue_cert("stranger@example.org")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with an instance, the authority, the client's certificate and its keys."""
    (tmp_path / "a.dcm").write_bytes(instance(1))
    (tmp_path / "other.pem").write_text("neither certificate nor key", "ascii")
    AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, issued in (("client", CLIENT), ("stranger", STRANGER)):
        issued.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / f"{name}-both.pem")
    key = serialization.load_pem_private_key(CLIENT.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    (tmp_path / "encrypted.key").write_bytes(encrypted)
    return tmp_path


def of_server(issued: trustme.LeafCert = SERVER) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    return context


@pytest.fixture
def server(listener: socket.socket) -> Iterator[Stub]:
    with serving(listener, of_server()) as stub:
        yield stub


@pytest.fixture
def asking(listener: socket.socket) -> Iterator[Stub]:
    """Serve only clients with a certificate of the authority."""
    context = of_server()
    AUTHORITY.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with serving(listener, context) as stub:
        yield stub


def send(capsys: Capture, folder: Path, url: str, *options: str) -> tuple[int, dict[str, Any], str]:
    """Send the instance; options that end in .pem or .key are files of ``folder``."""
    paths = [str(folder / each) if each.endswith((".pem", ".key")) else each for each in options]
    code = main(["send", "--json", str(folder / "a.dcm"), "--url", url, *paths])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else {}, err


def test_the_authority_of_cacert_is_trusted(server: Stub, folder: Path, capsys: Capture) -> None:
    code, result, _ = send(capsys, folder, server.url, "--cacert", "ca.pem")
    assert (code, result["fault"]) == (0, "")
    assert len(server.digests) == 1


def test_a_server_of_an_unknown_authority_is_named_with_the_reason_after_one_try(
    server: Stub, folder: Path, capsys: Capture
) -> None:
    code, result, _ = send(capsys, folder, server.url)
    assert code == 2
    assert result["fault"].startswith(f"{server.url} cannot be reached: its certificate is not")
    assert "unable to get local issuer certificate" in result["fault"]
    assert "--cacert" in result["fault"]
    assert server.seen == []


def test_a_certificate_for_another_name_is_not_trusted(
    listener: socket.socket, folder: Path, capsys: Capture
) -> None:
    with serving(listener, of_server(AUTHORITY.issue_cert("archive.example.org"))) as stub:
        _, result, _ = send(capsys, folder, stub.url, "--cacert", "ca.pem")
    assert "IP address mismatch" in result["fault"]


def test_insecure_trusts_any_server_and_says_so(
    server: Stub, folder: Path, capsys: Capture
) -> None:
    code, _, err = send(capsys, folder, server.url, "--insecure")
    assert code == 0
    assert err.startswith("warning: --insecure: the certificate of the server is not checked")


@pytest.mark.parametrize(
    "options",
    [
        ("--cert", "client.pem", "--key", "client.key"),
        ("--cert", "client-both.pem"),
        ("--cert", "client.pem", "--key", "encrypted.key"),
    ],
)
def test_a_client_certificate_is_shown_to_the_server(
    asking: Stub,
    folder: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    monkeypatch.setenv("STOWPORT_KEY_PASSWORD", "secret")
    code, result, _ = send(capsys, folder, asking.url, "--cacert", "ca.pem", *options)
    assert (code, result["fault"]) == (0, "")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), _WANTED),
        (("--cert", "stranger-both.pem"), "the server does not trust the client certificate"),
    ],
)
def test_what_the_server_misses_in_the_client_is_said(
    asking: Stub, folder: Path, capsys: Capture, options: tuple[str, ...], words: str
) -> None:
    code, result, _ = send(capsys, folder, asking.url, "--cacert", "ca.pem", *options)
    assert code == 2
    assert words in result["fault"]


END_OF_FILE = ssl.SSLEOFError(8, "EOF occurred in violation of protocol")
END_OF_FILE.reason = None  # type: ignore[assignment] # as ssl raises it
CUT_OFF = SSLError(END_OF_FILE)
"""What a sender sees if the server has ended the connection while the body was sent."""


def test_a_connection_that_was_cut_off_is_explained_by_the_alert(
    asking: Stub, folder: Path
) -> None:
    connections = Connections(1, TLS(cacert=folder / "ca.pem"))
    alert = connections.explained(CUT_OFF, f"{asking.url}/studies")
    assert in_words(alert, asking.url) == _WANTED
    assert is_final(alert)


def test_a_connection_that_was_merely_cut_off_is_tried_again(
    server: Stub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stowport.connections._WAIT", 0.2)
    connections = Connections(1, TLS(cacert=folder / "ca.pem"))
    for url in (server.url, "http://127.0.0.1:9", "https://127.0.0.1:9"):
        assert connections.explained(CUT_OFF, url) is CUT_OFF
    assert in_words(CUT_OFF, server.url) == "the TLS connection was cut off"
    assert not is_final(CUT_OFF)


@pytest.mark.parametrize("password", ["", "wrong"])
def test_an_encrypted_key_without_its_password_is_said_plainly(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("STOWPORT_KEY_PASSWORD", password)
    options = ("--cert", "client.pem", "--key", "encrypted.key")
    code, _, err = send(capsys, folder, "https://127.0.0.1:9", *options)
    assert code == 2
    assert "encrypted.key: found an encrypted key, expected its password in STOWPORT_KEY" in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--cacert", "other.pem"), "other.pem: found no certificate, expected certificates of"),
        (("--cert", "other.pem"), "other.pem: found no certificate with its key, expected"),
        (("--cert", "client.pem"), "client.pem: found no certificate with its key, expected"),
        (("--cert", "client.pem", "--key", "stranger.key"), "found the key of another certificate"),
        (("--key", "client.key"), "found --key without --cert"),
        (("--cacert", "absent.pem"), "argument --cacert: expected a file"),
    ],
)
@pytest.mark.parametrize("command", ["send", "smoke"])
def test_files_that_cannot_be_used_are_code_2_before_anything_is_sent(
    folder: Path,
    capsys: Capture,
    command: str,
    options: tuple[str, ...],
    words: str,
) -> None:
    given = [str(folder / each) if "." in each else each for each in options]
    paths = [str(folder)] if command == "send" else []
    try:
        code = main([command, *paths, "--url", "https://127.0.0.1:9", *given])
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == 2
    assert words in capsys.readouterr().err


def test_a_file_that_may_not_be_read_is_named(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", denied)
    code, _, err = send(capsys, folder, "https://127.0.0.1:9", "--cert", "client-both.pem")
    assert code == 2
    assert "client-both.pem: found Permission denied, expected" in err


def test_a_port_without_tls_is_said(stub: Stub, folder: Path, capsys: Capture) -> None:
    code, result, _ = send(capsys, folder, stub.url.replace("http", "https"))
    assert code == 2
    assert "found no TLS at this port" in result["fault"]

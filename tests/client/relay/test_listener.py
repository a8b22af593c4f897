"""TLS on the relay's listener: its certificate, those of its clients, and how they are replaced."""

import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from stowport.relay.listener import Certificates
from tests import answers
from tests.builders import content_type, instance, multipart, part
from tests.client.relays import ServedRelay
from tests.client.stub import Stub

Serve = Callable[..., ServedRelay]

OLD, NEW, OTHER = trustme.CA(), trustme.CA(), trustme.CA()


def write(place: Path, authority: trustme.CA) -> Path:
    """Write certificate and key of a server into one file."""
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(place)
    return place


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return write(tmp_path / "relay.pem", OLD)


@pytest.fixture
def client_ca(tmp_path: Path) -> Path:
    place = tmp_path / "clients.pem"
    OLD.cert_pem.write_to_path(place)
    return place


def trusting(authority: trustme.CA, identity: trustme.CA | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if identity:
        identity.issue_cert("scanner@example.org").configure_cert(context)
    return context


def connected(relay: ServedRelay, context: ssl.SSLContext) -> HTTPSConnection:
    return HTTPSConnection(*relay.address, timeout=60, context=context)


def status_of(connection: HTTPSConnection, number: int = 1) -> int:
    body = multipart(part(instance(number)))
    connection.request("POST", "/studies", body, {"Content-Type": content_type()})
    return answers.read(connection.getresponse()).status


def test_a_relay_with_a_certificate_speaks_https(
    stub: Stub, served: Serve, certificate: Path
) -> None:
    relay = served("--listen-cert", str(certificate))
    assert relay.url.startswith("https://127.0.0.1:")
    with closing(connected(relay, trusting(OLD))) as connection:
        assert status_of(connection) == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        connected(relay, trusting(OTHER)).connect()
    assert len(stub.digests) == 1


def test_only_clients_with_a_certificate_are_served(
    stub: Stub, served: Serve, certificate: Path, client_ca: Path
) -> None:
    relay = served("--listen-cert", str(certificate), "--client-ca", str(client_ca))
    with closing(connected(relay, trusting(OLD, identity=OLD))) as connection:
        assert status_of(connection) == 200
    for context in (trusting(OLD), trusting(OLD, identity=OTHER)):
        with closing(connected(relay, context)) as connection, pytest.raises(OSError):  # noqa: PT011 - TLS 1.3 tells when something is read
            status_of(connection)
    assert len(stub.digests) == 1


def test_certificates_are_replaced_and_connections_stay(
    stub: Stub, served: Serve, certificate: Path, client_ca: Path
) -> None:
    relay = served("--listen-cert", str(certificate), "--client-ca", str(client_ca))
    with closing(connected(relay, trusting(OLD, identity=OLD))) as before:
        assert status_of(before, 1) == 200
        write(certificate, NEW)
        NEW.cert_pem.write_to_path(client_ca)
        relay.server.reload()
        assert relay.events("reload") == [{"event": "reload"}]
        assert status_of(before, 2) == 200
        with closing(connected(relay, trusting(NEW, identity=NEW))) as after:
            assert status_of(after, 3) == 200
        with (
            closing(connected(relay, trusting(NEW, identity=OLD))) as outdated,
            pytest.raises(OSError),  # noqa: PT011 - as above
        ):
            status_of(outdated)
    assert len(stub.digests) == 3


def test_a_certificate_that_cannot_be_read_changes_nothing(
    served: Serve, certificate: Path
) -> None:
    relay = served("--listen-cert", str(certificate))
    certificate.write_text("broken", "ascii")
    relay.server.reload()
    (event,) = relay.events("reload")
    assert event["fault"]
    with closing(connected(relay, trusting(OLD))) as connection:
        assert status_of(connection) == 200


def test_a_client_that_begins_no_handshake_holds_up_nobody(
    served: Serve, certificate: Path
) -> None:
    relay = served("--listen-cert", str(certificate))
    with (
        socket.create_connection(relay.address),
        closing(connected(relay, trusting(OLD))) as connection,
    ):
        assert status_of(connection) == 200


def test_tokens_are_replaced_too(served: Serve, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("old\n", "ascii")
    relay = served("--client-tokens", str(tokens))
    tokens.write_text("new\n", "ascii")
    assert relay.store(instance(1), Authorization="Bearer new").status == 401
    relay.server.reload()
    assert relay.store(instance(1), Authorization="Bearer new").status == 200


def test_an_encrypted_key_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    issued = OLD.issue_cert("127.0.0.1")
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    issued.cert_chain_pems[0].write_to_path(tmp_path / "relay.pem")
    (tmp_path / "relay.key").write_bytes(encrypted)
    with pytest.raises(ValueError, match=r"relay\.key: the key is encrypted"):
        Certificates(tmp_path / "relay.pem", tmp_path / "relay.key", None)

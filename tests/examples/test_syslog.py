"""The example that sends the audit trail to a syslog collector, over real sockets."""

import gzip
import json
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from examples.syslog import forward
from tests.certificates import certified

MESSAGES = ["<AuditMessage/>", '<AuditMessage name="Müller^Jürgen=山田"/>']
MILLISECONDS = 1795897310123
FRAME = re.compile(rb"(\d+) ")
SYSLOG = re.compile(
    rb"<85>1 2026-11-28T20:21:50\.123\+00:00 audit\.example stowport - DICOM\+RFC3881 - "
    rb"\xef\xbb\xbf(.*)",
    re.DOTALL,
)


def subscription(messages: list[str], kind: str = "DATA_MESSAGE") -> dict[str, Any]:
    packed = {
        "messageType": kind,
        "logEvents": [{"timestamp": MILLISECONDS, "message": message} for message in messages],
    }
    return {"awslogs": {"data": b64encode(gzip.compress(json.dumps(packed).encode())).decode()}}


class Collector:
    """A collector that trusts nobody but ``senders``, if it is given."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.received = b""
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        try:
            with (
                self._listener,
                self._context.wrap_socket(
                    self._listener.accept()[0], server_side=True
                ) as connection,
            ):
                while block := connection.recv(65536):
                    self.received += block
        except ssl.SSLError:
            pass  # it was not trusted, which the sender is asked about

    def messages(self) -> list[bytes]:
        """Wait for the end, and return what the frames hold (RFC 5425 4.3)."""
        self._thread.join()
        found, rest = [], self.received
        while rest:
            length = FRAME.match(rest)
            assert length is not None
            end = length.end() + int(length[1])
            found.append(rest[length.end() : end])
            rest = rest[end:]
        return found


@pytest.fixture
def collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    collector = Collector(certified(tmp_path))
    monkeypatch.setenv("SYSLOG_HOST", "127.0.0.1")
    monkeypatch.setenv("SYSLOG_PORT", str(collector.port))
    monkeypatch.setenv("SYSLOG_SENDER", "audit.example")
    monkeypatch.setattr(forward, "AUTHORITY", tmp_path / "ca.pem")
    yield collector
    collector.messages()


def test_each_message_arrives_as_syslog_in_a_frame_of_its_own(collector: Collector) -> None:
    forward.lambda_handler(subscription(MESSAGES), None)
    found = [SYSLOG.fullmatch(message) for message in collector.messages()]
    assert [each and each[1].decode() for each in found] == MESSAGES


def test_a_collector_with_another_certificate_gets_nothing(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    certified(other)
    monkeypatch.setattr(forward, "AUTHORITY", other / "ca.pem")
    with pytest.raises(ssl.SSLCertVerificationError):
        forward.lambda_handler(subscription(MESSAGES), None)
    assert collector.messages() == []


def test_a_sender_shows_its_certificate_to_a_collector_that_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certified(tmp_path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(tmp_path / "ca.pem")
    collector = Collector(context)
    monkeypatch.setenv("SYSLOG_SENDER", "audit.example")
    monkeypatch.setattr(forward, "AUTHORITY", tmp_path / "ca.pem")
    monkeypatch.setattr(forward, "SENDER", tmp_path / "server.pem")
    forward.send(forward.framed(b"one"), "127.0.0.1", collector.port)
    assert collector.messages() == [b"one"]


def test_an_error_is_raised_when_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("SYSLOG_HOST", "127.0.0.1")
    monkeypatch.setenv("SYSLOG_PORT", str(port))
    monkeypatch.setenv("SYSLOG_SENDER", "audit.example")
    with pytest.raises(ConnectionRefusedError):
        forward.lambda_handler(subscription(MESSAGES), None)


def test_nothing_is_sent_for_a_message_that_only_checks_the_subscription() -> None:
    forward.lambda_handler(subscription([], "CONTROL_MESSAGE"), None)

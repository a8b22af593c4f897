"""Example: send the audit trail to a syslog collector, over TLS (PS3.15 A.6, RFC 5425).

A Lambda function that is subscribed to the log group of the audit trail. After an exception Lambda
invokes it with the same messages again, so a collector may get a message twice. It has none of
this project's code, and needs no layer.
"""

import gzip
import json
import os
import socket
import ssl
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PRIORITY = 10 * 8 + 5
"""Facility 10, security and authorization, and severity 5, normal but significant (PS3.15 A.6)."""

MESSAGE_ID = "DICOM+RFC3881"
BYTE_ORDER_MARK = "\ufeff"
SECONDS = 10

# Certificates that are deployed beside this file: whom to trust, if it is not a public authority,
# and who this sender is (a certificate with its key), if the collector wants to know.
AUTHORITY = Path(__file__).parent / "authority.pem"
SENDER = Path(__file__).parent / "sender.pem"


def lambda_handler(event: Mapping[str, Any], _: object) -> None:
    """Send the messages of a subscription; raises OSError if they cannot be sent."""
    frames = b"".join(framed(syslog_message(*each)) for each in audit_messages(event))
    if frames:
        send(frames, os.environ["SYSLOG_HOST"], int(os.environ["SYSLOG_PORT"]))


def audit_messages(event: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Yield the time, in milliseconds, and the text of each message."""
    packed = json.loads(gzip.decompress(b64decode(event["awslogs"]["data"])))
    if packed["messageType"] == "DATA_MESSAGE":  # others only check that messages would arrive
        for each in packed["logEvents"]:
            yield each["timestamp"], each["message"]


def syslog_message(milliseconds: int, text: str) -> bytes:
    """Return a SYSLOG-MSG (RFC 5424 6)."""
    time = datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    host = os.environ["SYSLOG_SENDER"]
    header = f"<{PRIORITY}>1 {time} {host} stowport - {MESSAGE_ID} -"
    return f"{header} {BYTE_ORDER_MARK}{text}".encode()


def framed(message: bytes) -> bytes:
    """Return a SYSLOG-FRAME: the message after its length (RFC 5425 4.3)."""
    return f"{len(message)} ".encode() + message


def send(frames: bytes, host: str, port: int) -> None:
    """Send ``frames`` over a connection of their own, and close it as RFC 5425 4.4 says."""
    context = ssl.create_default_context(cafile=AUTHORITY if AUTHORITY.exists() else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if SENDER.exists():
        context.load_cert_chain(SENDER)
    with (
        socket.create_connection((host, port), timeout=SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        connection.sendall(frames)
        # Nothing acknowledges a message. A collector need not answer the end either.
        with suppress(OSError):
            connection.unwrap()

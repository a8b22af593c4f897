"""Objects that are put where S3 does not answer, or answers in its own time."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from threading import Thread

import obstore
import pytest
from boto3.session import Session
from obstore.exceptions import GenericError

from archive.clients import ATTEMPTS
from archive.deadline import Deadline
from archive.errors import ArchiveError, PutError
from archive.objects import Objects
from dicomweb.reasons import FailureReason
from tests.archive.deployment import BUCKET, instance
from tests.certificates import certified

ANSWER = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 0\r\n\r\n'

Answering = Callable[[socket.socket, int], None]


def read(connection: socket.socket) -> None:
    """Read a request that has the body of :func:`instance`."""
    received = b""
    while not received.endswith(b"\r\n\r\ncontent"):
        block = connection.recv(65536)
        if not block:
            raise ConnectionResetError
        received += block


@contextmanager
def server(answering: Answering) -> Iterator[str]:
    """Let ``answering`` have every connection, and its number from 0; give the URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            for number in range(100):
                connection, _ = listener.accept()
                Thread(target=answer, args=(connection, number), daemon=True).start()

    def answer(connection: socket.socket, number: int) -> None:
        with closing(connection), suppress(OSError):
            answering(connection, number)

    Thread(target=serve, daemon=True).start()
    with closing(listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def objects(session: Session, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Objects]:
    def make(url: str) -> Objects:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        return Objects(BUCKET, session, None)

    return make


def put(objects: Objects, seconds: float = 20) -> None:
    objects.put(instance(), "0" * 64, deadline=Deadline(seconds))


def test_a_connection_that_is_closed_without_an_answer_is_tried_again(
    objects: Callable[[str], Objects],
) -> None:
    def answering(connection: socket.socket, number: int) -> None:
        read(connection)
        if number == 2:
            connection.sendall(ANSWER)

    with server(answering) as url:
        put(objects(url))


def test_a_connection_that_was_closed_while_it_was_not_used_fails_nothing(
    objects: Callable[[str], Objects],
) -> None:
    def answering(connection: socket.socket, _: int) -> None:
        read(connection)
        connection.sendall(ANSWER)

    with server(answering) as url:
        archive = objects(url)
        for _ in range(3):
            put(archive)
            time.sleep(0.1)


def test_an_answer_that_does_not_come_is_waited_for_so_long_and_asked_for_again(
    objects: Callable[[str], Objects], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.clients.PUT_TIMEOUT", 0.5)

    def answering(connection: socket.socket, number: int) -> None:
        read(connection)
        if number == 1:
            connection.sendall(ANSWER)
        connection.recv(1)

    with server(answering) as url:
        start = time.monotonic()
        put(objects(url))
        assert 0.5 <= time.monotonic() - start < 5


def test_s3_that_nobody_reaches_may_be_sent_the_instance_again(
    objects: Callable[[str], Objects],
) -> None:
    with pytest.raises(PutError, match="could not be reached") as raised:
        put(objects("http://127.0.0.1:9"))

    assert raised.value.temporary
    assert raised.value.status == 0
    assert "1.2" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_attempts_end_after_conflicts_too(objects: Callable[[str], Objects]) -> None:
    conflict, busy = (
        f"HTTP/1.1 {status} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        for status in (HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE)
    )
    answered: list[bytes] = []

    def answering(connection: socket.socket, number: int) -> None:
        read(connection)
        answered.append(conflict if number < ATTEMPTS else busy)
        connection.sendall(answered[-1])

    with server(answering) as url, pytest.raises(PutError, match="found 503 as the answer"):
        put(objects(url), seconds=5)

    assert answered == [conflict] * ATTEMPTS + [busy]


def test_attempts_end_at_the_deadline(objects: Callable[[str], Objects]) -> None:
    with pytest.raises(ArchiveError, match="time for the request ended"):
        put(objects("http://127.0.0.1:9"), seconds=0.1)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (301, "PermanentRedirect", FailureReason.PROCESSING_FAILURE),
        (307, "", FailureReason.OUT_OF_RESOURCES),
        (400, "BadDigest", FailureReason.OUT_OF_RESOURCES),
        (400, "IncompleteBody", FailureReason.OUT_OF_RESOURCES),
        (400, "ExpiredToken", FailureReason.OUT_OF_RESOURCES),
        (400, "InvalidToken", FailureReason.PROCESSING_FAILURE),
        (400, "KMS.ThrottlingException", FailureReason.OUT_OF_RESOURCES),
        (400, "RequestTimeout", FailureReason.OUT_OF_RESOURCES),
        (401, "", FailureReason.PROCESSING_FAILURE),
        (403, "AccessDenied", FailureReason.PROCESSING_FAILURE),
        (403, "RequestTimeTooSkewed", FailureReason.OUT_OF_RESOURCES),
        (404, "NoSuchBucket", FailureReason.PROCESSING_FAILURE),
        (409, "ConditionalRequestConflict", FailureReason.OUT_OF_RESOURCES),
        (412, "PreconditionFailed", FailureReason.PROCESSING_FAILURE),
        (429, "", FailureReason.OUT_OF_RESOURCES),
        (500, "InternalError", FailureReason.OUT_OF_RESOURCES),
        (501, "NotImplemented", FailureReason.PROCESSING_FAILURE),
        (503, "SlowDown", FailureReason.OUT_OF_RESOURCES),
        (503, "", FailureReason.OUT_OF_RESOURCES),
    ],
)
def test_what_s3_answered_is_in_what_obstore_raises(
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
    reason: FailureReason,
) -> None:
    """obstore gives the status and the code in its text alone: a new version may change that."""
    body = f"<?xml version='1.0'?>\n<Error><Code>{code}</Code></Error>" if code else ""

    def answering(connection: socket.socket, _: int) -> None:
        read(connection)
        location = (
            f"Location: {url}/elsewhere\r\n" if status == HTTPStatus.TEMPORARY_REDIRECT else ""
        )
        head = f"HTTP/1.1 {status} -\r\n{location}Content-Length: {len(body)}\r\n\r\n"
        connection.sendall((head + body).encode())

    with server(answering) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        store = Objects(BUCKET, session, None)._stores.store(0, 0)
        with pytest.raises(Exception) as raised:  # noqa: PT011 - of several classes
            obstore.put(store, "a/key", memoryview(b"content"), mode="create", use_multipart=False)

    error = PutError.of(raised.value)
    assert (error.status, error.reason) == (status, reason)
    found = f"{status} {code}".rstrip()
    assert f"found {found} as the answer to PutObject" in str(error)
    assert "a/key" not in str(error)


def test_a_text_without_a_status_is_no_answer() -> None:
    error = PutError.of(GenericError("Generic S3 error: HTTP error: error sending request"))

    assert (error.status, error.reason) == (0, FailureReason.OUT_OF_RESOURCES)


@pytest.mark.parametrize("trusted", [True, False])
def test_s3_is_trusted_as_by_botocore(
    objects: Callable[[str], Objects],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    trusted: bool,
) -> None:
    context = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")  # of the system there are none
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")
    if trusted:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))

    def answering(connection: socket.socket, _: int) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            read(secured)
            secured.sendall(ANSWER)

    with server(answering) as url:
        archive = objects(url.replace("http", "https"))
        if trusted:
            put(archive)
        else:
            with pytest.raises(PutError, match="could not be reached"):
                put(archive)


def test_a_store_is_made_without_a_connection(objects: Callable[[str], Objects]) -> None:
    connections: list[int] = []

    with server(lambda _, number: connections.append(number)) as url:
        objects(url)
        time.sleep(0.1)

    assert connections == []

"""Objects that S3 takes slowly: a put does not end while its bytes are still being sent."""

import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from threading import Lock, Thread

import pytest
from boto3.session import Session
from botocore.config import Config

from archive import clients
from archive.clients import CONNECTIONS, PUT_TIMEOUT
from archive.copies import SMALLEST_COPY_BYTES
from archive.deadline import Deadline
from archive.errors import PutError
from archive.objects import Objects
from archive.staging import Staging
from archive.stores import SLOWEST_UPLINK, Stores
from tests.archive.deployment import BUCKET, PROVENANCE, Sender, instance

ANSWER = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 0\r\n\r\n'
_LENGTH = re.compile(rb"(?i)content-length: (\d+)")
_BLOCK = 16_384


class Uplink:
    """All connections together send so many bytes a second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._lock = Lock()

    def read(self, connection: socket.socket) -> None:
        """Read a request and answer it."""
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._block(connection)
        found = _LENGTH.search(head)
        assert found
        left = int(found[1]) - len(head.partition(b"\r\n\r\n")[2])
        while left:
            left -= len(self._block(connection))
        connection.sendall(ANSWER)

    def _block(self, connection: socket.socket) -> bytes:
        block = connection.recv(_BLOCK)
        if not block:
            raise ConnectionResetError
        with self._lock:
            time.sleep(len(block) / self._rate)
        return block


@contextmanager
def slow_s3(rate: float) -> Iterator[str]:
    """Take what is sent at ``rate`` bytes a second; give the URL."""
    uplink = Uplink(rate)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * _BLOCK)

    def serve() -> None:
        with suppress(OSError):
            for _ in range(100):
                Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            while True:
                uplink.read(connection)

    Thread(target=serve, daemon=True).start()
    with closing(listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


RATE, SIZE = 400_000, 20_000
"""The objects of all connections take 0.8 seconds."""


def put_together(objects: Objects, together: int) -> None:
    """Put an object over every connection at the same time."""
    one = instance(content=bytes(SIZE))

    def put(number: int) -> None:
        objects.put(one, f"{number:064}", deadline=Deadline(20), together=together)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(put, range(CONNECTIONS)))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.clients.PUT_TIMEOUT", 0.3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("uplink", [RATE / 2, RATE * 10])
def test_objects_are_waited_for_as_long_as_a_slow_uplink_takes(
    session: Session, monkeypatch: pytest.MonkeyPatch, uplink: float
) -> None:
    monkeypatch.setattr("archive.objects.ATTEMPTS", 1)
    with slow_s3(RATE) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        objects = Objects(BUCKET, session, None, uplink)
        if uplink < RATE:
            put_together(objects, CONNECTIONS * SIZE)
        else:
            with pytest.raises(PutError, match="could not be reached"):
                put_together(objects, CONNECTIONS * SIZE)


def test_a_request_of_ingest_has_the_time_that_it_needs_at_8_mb_a_second(session: Session) -> None:
    stores = Stores(BUCKET, session)
    size = SMALLEST_COPY_BYTES - 1  # what is larger is not sent but copied
    for together in (CONNECTIONS * size, 1000 * size):
        timeout = seconds(stores, size, together)
        assert timeout >= PUT_TIMEOUT + CONNECTIONS * size / SLOWEST_UPLINK
        assert timeout < 60
    made_of_metadata = 64 * 1024**2
    assert seconds(stores, made_of_metadata, 0) >= PUT_TIMEOUT + made_of_metadata / SLOWEST_UPLINK


def test_what_fits_into_a_post_is_waited_for_no_longer_than_before(session: Session) -> None:
    stores = Stores(BUCKET, session)
    for size in (1, 100_000, 4_700_000):
        assert seconds(stores, size, 4_700_000) == PUT_TIMEOUT


def test_stores_are_few(session: Session) -> None:
    stores = Stores(BUCKET, session)
    made = {id(stores.store(size, 10**9)) for size in range(0, 64 * 1024**2, 10**6)}
    assert len(made) == len(stores._stores) <= 9


def seconds(stores: Stores, size: int, together: int) -> float:
    options = stores.store(size, together).client_options
    assert options
    return float(str(options["timeout"]).removesuffix("s"))


def test_all_instances_of_a_request_are_sent_together(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    store = Stores.store

    def spied(stores: Stores, size: int, together: int) -> object:
        asked.append((size, together))
        return store(stores, size, together)

    monkeypatch.setattr(Stores, "store", spied)
    contents = [b"one", b"another", b"the last"]
    sender.archive.keep(
        [instance(number, each) for number, each in enumerate(contents)],
        seconds=20,
        provenance=PROVENANCE,
    )
    assert sorted(asked) == [(len(each), 18) for each in contents]


def test_a_long_answer_of_ingest_is_sent_over_a_slow_uplink(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore sends it in blocks, and each of them may take as long as connecting."""
    monkeypatch.setattr("archive.staging.Session", lambda: session)
    hasty = Config(connect_timeout=0.2, retries={"total_max_attempts": 1})
    monkeypatch.setattr(clients, "_CONFIG", clients._CONFIG.merge(hasty))
    with slow_s3(10_000_000) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        answer = Staging(BUCKET).put_answer("one", " " * 8_000_000)
    assert answer.startswith("answers/one/")

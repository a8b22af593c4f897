"""Parts of an upload are put at the same time, and no more of them than there are connections."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from stowport import uploads
from stowport.bodies import Block, Buffer
from stowport.messages import Request, Response
from stowport.staging import Staging, UploadRefused
from stowport.tickets import Target, Ticket
from stowport.uploads import Uploads

if TYPE_CHECKING:
    from stowport.transport import Transport

SECONDS = 10
CONTENT = bytes(range(40))
COMPLETE = ("http://s3/complete", "application/xml")


@dataclass
class Body:
    is_sequential: bool = False
    content_type: str = "application/dicom"
    size: int = len(CONTENT)

    def blocks(self, offset: int = 0, size: int | None = None) -> Iterator[Block]:
        content = Buffer(memoryview(CONTENT))
        for position in range(offset, offset + (size or 0)):
            yield content.read(position, 1)


class S3:
    """Answers as S3 does; a part is answered when ``together`` of them have begun."""

    def __init__(self, together: int, refused: frozenset[int] = frozenset()) -> None:
        self.lock = threading.Lock()
        self.barrier = threading.Barrier(together)
        self.refused = refused
        self.busy = self.most = 0
        self.parts: dict[int, bytes] = {}
        self.completed = b""

    def wait(self, _: float) -> None:
        pass

    def exchange(self, request: Request) -> Response:
        if request.method == "POST":
            self.completed = b"".join(request.blocks())
            return Response(status=200, headers={})
        offset = int(request.url.rpartition("/")[2])
        with self.lock:
            self.busy += 1
            self.most = max(self.most, self.busy)
        self.barrier.wait(SECONDS)
        try:
            if offset in self.refused:
                return Response(status=403, headers={})
            self.parts[offset] = b"".join(request.blocks())
        finally:
            with self.lock:
                self.busy -= 1
        return Response(status=200, headers={"etag": f"<{offset}>"})


def ticket(parts: int) -> Ticket:
    size = len(CONTENT) // parts
    targets = [
        Target(url=f"http://s3/{number * size}", headers={}, offset=number * size, size=size)
        for number in range(parts)
    ]
    return Ticket(name="one", targets=targets, complete=COMPLETE)


def put(s3: S3, connections: int, body: Body, parts: int) -> int:
    counted: list[int] = []
    Staging(cast("Transport", s3), connections).put(ticket(parts), body, counted.append)
    return sum(counted)


def test_parts_are_put_at_the_same_time_and_named_in_order() -> None:
    s3 = S3(together=4)
    assert put(s3, 4, Body(), 8) == len(CONTENT)
    assert b"".join(s3.parts[offset] for offset in sorted(s3.parts)) == CONTENT
    assert [s3.completed.find(b"&lt;%d&gt;" % offset) for offset in range(0, 40, 5)] == sorted(
        s3.completed.find(b"&lt;%d&gt;" % offset) for offset in range(0, 40, 5)
    )
    assert s3.completed.count(b"<ETag>") == 8


def test_two_uploads_together_take_no_more_connections_than_there_are() -> None:
    s3 = S3(together=2)
    staging = Staging(cast("Transport", s3), 2)
    threads = [
        threading.Thread(target=staging.put, args=(ticket(4), Body(), lambda _: None))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert s3.most == 2


def test_what_can_only_be_read_in_order_is_put_part_by_part() -> None:
    s3 = S3(together=1)
    assert put(s3, 4, Body(is_sequential=True), 4) == len(CONTENT)
    assert s3.most == 1


def test_a_part_that_is_refused_gives_the_upload_up_in_its_own_words() -> None:
    s3 = S3(together=4, refused=frozenset([20]))
    with pytest.raises(UploadRefused, match="refused with 403"):
        put(s3, 4, Body(), 4)
    assert not s3.completed


def test_the_other_parts_end_early_when_one_is_refused() -> None:
    begun, ended = threading.Event(), threading.Event()

    class Endless(Body):
        def blocks(self, offset: int = 0, size: int | None = None) -> Iterator[Block]:
            del offset, size
            while not ended.wait(0.001):
                yield b"1"

    class One(S3):
        def exchange(self, request: Request) -> Response:
            if request.url.endswith("/0"):
                assert begun.wait(SECONDS)
                return Response(status=403, headers={})
            for _ in request.blocks():
                begun.set()
            return Response(status=200, headers={})

    timer = threading.Timer(SECONDS, ended.set)
    timer.start()
    with pytest.raises(UploadRefused):
        Staging(cast("Transport", One(1)), 2).put(ticket(2), Endless(), lambda _: None)
    timer.cancel()
    assert not ended.is_set()


class Service:
    """Says of an upload that it is pending, and then that it is stored."""

    connections = 1

    def __init__(self, pending: int, **headers: str) -> None:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        json = {"content-type": "application/json", **fields}
        self.answers = [Response(status=200, headers=json)] * pending
        self.answers.append(
            Response(status=200, headers={"content-type": "application/dicom+json"})
        )
        self.waited: list[float] = []

    def authorized(self, _: Request) -> Response:
        return self.answers.pop(0)

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)


@pytest.fixture
def as_released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_FIRST_POLL_SECONDS", 0.25)
    monkeypatch.setattr(uploads, "_POLL_SECONDS", 2.0)


@pytest.mark.usefixtures("as_released")
@pytest.mark.parametrize(
    ("service", "waited"),
    [
        (lambda: Service(5), [0.25, 0.5, 1.0, 2.0, 2.0]),
        (lambda: Service(3, retry_after="1"), [1.0, 1.0, 1.0]),
    ],
)
def test_looks_are_soon_at_first_unless_the_service_says_when(
    service: Callable[[], Service], waited: list[float]
) -> None:
    asked = service()
    Uploads(cast("Transport", asked), "http://service")._outcome("http://service/uploads/1", "*/*")
    assert asked.waited == waited

"""What an attempt leaves behind: no disk, no thread, and a message that comes soon."""

import errno
import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import StringIO
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Thread
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

import ingest.handler
from archive.copies import SMALLEST_COPY_BYTES
from ingest.handler import TryAgain
from ingest.settings import settings
from tests.ingest.bodies import body_of, image
from tests.ingest.deployment import ATTEMPTS, LargeRequests, forget, invoke_ingest

SMALL = image(1)
LARGE = image(2, SMALLEST_COPY_BYTES)


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder for the bodies alone; after the test it holds none, without the collector's help."""
    monkeypatch.setattr("archive.staging.TemporaryFile", partial(TemporaryFile, dir=tmp_path))
    gc.disable()
    yield tmp_path
    assert held(tmp_path) == []
    gc.enable()


def held(disk: Path) -> list[str]:
    """Return the files on ``disk`` that are open or mapped, which have no name."""
    links = list(Path("/proc/self/fd").iterdir())
    opened = [str(link.readlink()) for link in links if link.is_symlink()]
    mapped = Path("/proc/self/maps").read_text().splitlines()
    return [each for each in (*opened, *mapped) if str(disk) in each]


def fails_once(large: LargeRequests, body: bytes, seconds: float = 900) -> str:
    """Make an attempt that fails; return its upload."""
    upload = large.upload(body)
    with pytest.raises(TryAgain):
        invoke_ingest(large.message(upload), seconds=seconds)
    return upload


def lines(log: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


class TestDisk:
    @pytest.fixture
    def reads(self, large: LargeRequests) -> list[str]:
        """Return the calls by which bodies are read, as they come."""
        assert large.bucket
        calls: list[str] = []
        client = ingest.handler.staging(settings())._s3
        client.meta.events.register(
            "before-call.s3.GetObject", lambda model, **_: calls.append(model.name)
        )
        return calls

    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
    @pytest.mark.parametrize("function", ["pwrite", "open"])
    def test_one_that_is_full_is_said_and_the_upload_stays_pending(
        self,
        large: LargeRequests,
        log: StringIO,
        monkeypatch: pytest.MonkeyPatch,
        function: str,
        code: int,
    ) -> None:
        def full(*_: object, **__: object) -> int:
            raise OSError(code, "Planted")

        with monkeypatch.context() as patch:
            patch.setattr(f"archive.disk.os.{function}", full)
            upload = fails_once(large, body_of(SMALL))
        line = lines(log)[-1]
        assert (line["level"], line["message"]) == ("ERROR", "disk full")
        assert (line["upload"], line["size"]) == (upload, len(body_of(SMALL)))
        assert json.loads(large.look_up(upload).body)["state"] == "pending"
        invoke_ingest(large.message(upload, 2))
        assert large.look_up(upload).status == 200

    def test_one_without_room_for_the_body_is_full_before_anything_is_read(
        self,
        large: LargeRequests,
        log: StringIO,
        reads: list[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        body = body_of(SMALL)
        with monkeypatch.context() as patch:
            patch.setattr("archive.disk.os.fstatvfs", lambda _: Room(len(body) - 1))
            upload = fails_once(large, body)
        line = lines(log)[-1]
        assert (line["level"], line["message"]) == ("ERROR", "disk full")
        assert (line["upload"], line["size"], line["attempt"]) == (upload, len(body), 1)
        assert line["free"] > 0
        assert reads == []
        monkeypatch.setattr("archive.disk.os.fstatvfs", lambda _: Room(len(body)))
        invoke_ingest(large.message(upload, 2))
        assert large.look_up(upload).status == 200

    def test_a_body_that_never_fits_is_400_unread(
        self, large: LargeRequests, reads: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = body_of(image(3, 2 * 1024**2))
        upload = large.upload(body)  # when the disk was larger
        monkeypatch.setenv("INGEST_STORAGE", "65")
        forget()
        invoke_ingest(large.message(upload))
        reply = large.look_up(upload)
        assert reply.status == 400
        found = f"found a body of {len(body)} bytes, expected at most {1024**2}"
        assert found in reply.warnings[0]
        assert (reads, large.versions("staging/")) == ([], 0)


class Room:
    """A file system with blocks of one byte."""

    f_frsize = 1

    def __init__(self, free: int) -> None:
        self.f_bavail = free


class TestOneAfterAnother:
    """The upload that comes next in the same process does not feel how the last one ended."""

    def check_next(self, large: LargeRequests) -> None:
        upload = large.upload(body_of(image(9), image(10, SMALLEST_COPY_BYTES)))
        invoke_ingest(large.message(upload))
        assert large.look_up(upload).status == 200

    @pytest.mark.parametrize(
        "broken", ["ingest.handler.read_parts", "transaction.intake.receive", "obstore.put"]
    )
    def test_after_a_defect(
        self, large: LargeRequests, monkeypatch: pytest.MonkeyPatch, broken: str
    ) -> None:
        def fails(*_: object, **__: object) -> None:
            raise RuntimeError("planted")

        with monkeypatch.context() as patch:
            patch.setattr(broken, fails)
            fails_once(large, body_of(SMALL, LARGE))
        self.check_next(large)

    def test_after_a_copy_that_was_refused(
        self, large: LargeRequests, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise TimeoutError

        with monkeypatch.context() as patch:
            patch.setattr("archive.objects.copy", refuse)
            fails_once(large, body_of(SMALL, LARGE))
        self.check_next(large)

    def test_after_other_bytes_under_the_same_uids(self, large: LargeRequests) -> None:
        invoke_ingest(large.message(large.upload(body_of(SMALL))))
        upload = large.upload(body_of(image(1, 64)))
        invoke_ingest(large.message(upload))
        assert large.look_up(upload).status == 409
        self.check_next(large)

    def test_after_one_that_was_refused_as_a_whole(self, large: LargeRequests) -> None:
        upload = large.upload(body_of(SMALL)[:-4])
        invoke_ingest(large.message(upload))
        assert large.look_up(upload).status == 400
        self.check_next(large)


class TestThreads:
    """A call that hangs holds the body: the attempt ends no earlier than its threads."""

    @pytest.fixture(
        params=[("archive.objects.copy", LARGE), ("archive.objects.obstore.put", SMALL)],
        ids=["copy", "put"],
    )
    def hung(self, request: pytest.FixtureRequest) -> "Hung":
        return Hung(*request.param)

    def test_a_thread_that_hangs_keeps_no_disk_for_the_next_upload(
        self, large: LargeRequests, log: StringIO, disk: Path, hung: "Hung"
    ) -> None:
        upload = large.upload(body_of(hung.content))
        ended = Event()

        def attempt() -> None:
            with pytest.raises(TryAgain):
                invoke_ingest(large.message(upload))
            ended.set()

        worker = Thread(target=attempt)
        with hung.in_its_place():
            worker.start()
            while "again" not in log.getvalue():  # the outcomes are known and logged
                assert not ended.wait(0.02)
            assert held(disk)
            assert not ended.wait(0.2)  # else Lambda would freeze the thread, and the disk with it
            hung.go_on.set()
            worker.join()
        assert ended.is_set()
        assert held(disk) == []
        again = next(line for line in lines(log) if line["message"] == "again")
        assert again["failed"] == {"A700": 1}
        TestOneAfterAnother().check_next(large)
        invoke_ingest(large.message(upload, 2))
        assert large.look_up(upload).status == 200


class Hung:
    """A ``call`` that ends the time for the request, and fails when it may ``go_on``."""

    def __init__(self, call: str, content: bytes) -> None:
        self.call, self.content = call, content
        self.begun, self.go_on = Event(), Event()

    @contextmanager
    def in_its_place(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.call, self._hang)
            patch.setattr("archive.archive.wait", lambda *_: self.begun.wait(60))
            yield

    def _hang(self, *_: object, **__: object) -> None:
        self.begun.set()
        self.go_on.wait(60)
        raise TimeoutError


class TestMessage:
    """A message whose attempt failed does not wait as long as one whose worker died."""

    @pytest.fixture
    def put_off(self, large: LargeRequests, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        assert large.bucket
        monkeypatch.setattr("ingest.handler.read_parts", lambda *_: 1 / 0)
        seconds: list[int] = []
        client = ingest.handler.queue(settings())._sqs
        client.meta.events.register(
            "provide-client-params.sqs.ChangeMessageVisibility",
            lambda params, **_: seconds.append(params["VisibilityTimeout"]),
        )
        return seconds

    def test_it_comes_again_after_pauses_that_grow_up_to_that_after_a_crash(
        self, large: LargeRequests, put_off: list[int]
    ) -> None:
        upload = large.upload(body_of(SMALL))
        for attempt in range(1, ATTEMPTS + 1):
            with pytest.raises(TryAgain):
                invoke_ingest(large.message(upload, attempt))
        assert put_off == [60, 240, 960, 3840, 0]

    def test_one_whose_attempts_are_used_up_is_in_the_dead_letter_queue_at_once(
        self, large: LargeRequests, put_off: list[int]
    ) -> None:
        upload = large.upload(body_of(SMALL))
        receipt = large.received()
        message = large.message(upload, ATTEMPTS)
        message["Records"][0]["receiptHandle"] = receipt
        assert large.received() == ""
        with pytest.raises(TryAgain):
            invoke_ingest(message)
        assert put_off == [0]
        assert large.received()

    def test_it_may_come_as_after_a_crash_if_sqs_fails(
        self, large: LargeRequests, put_off: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upload = large.upload(body_of(SMALL))
        sqs = ingest.handler.queue(settings())._sqs
        error = EndpointConnectionError(endpoint_url="https://sqs.example.org")
        monkeypatch.setattr(sqs, "change_message_visibility", raising(error))
        with pytest.raises(TryAgain):
            invoke_ingest(large.message(upload))
        assert put_off == []


def raising(error: Exception) -> Callable[..., None]:
    def fails(**_: object) -> None:
        raise error

    return fails

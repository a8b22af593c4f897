"""How many uploads of a sender are pending, whatever happens to them."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from archive.pending import PendingUploads, hour
from archive.uploads import Upload, Uploads
from tests.archive.deployment import UPLOADS

NOW = int(time.time())
SECONDS = 25 * 3600


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass for the numbers of pending uploads."""

    def let_pass(seconds: float) -> None:
        monkeypatch.setattr("archive.pending.time.time", lambda: NOW + seconds)

    return let_pass


def upload(name: str, principal: str = "erika", created: int = NOW) -> Upload:
    return Upload(
        id=name,
        base_url="https://example.org/dicomweb",
        content_type="application/dicom",
        size=5,
        study_instance_uid=None,
        principal=principal,
        created=created,
        failed_after=created + SECONDS,
    )


def offered(
    uploads: Uploads, names: str, most: int = 2, *, principal: str = "erika", created: int = NOW
) -> str:
    """Offer an upload for each of ``names``; return the names of those that may come."""
    offers = [upload(name, principal, created) for name in names]
    return "".join(each.id for each in offers if uploads.offer(each, most))


def item(uploads: Uploads) -> dict[str, Any]:
    """Return the item of the only sender, without its key."""
    items = uploads._dynamodb.scan(TableName=UPLOADS)["Items"]
    (found,) = (each for each in items if each["Upload"]["S"].startswith("pending/"))
    return {name: int(value.get("N", "0")) for name, value in found.items() if name != "Upload"}


def test_so_many_of_a_sender_may_be_pending(uploads: Uploads) -> None:
    assert offered(uploads, "abc") == "ab"
    assert uploads.find("c") is None
    assert offered(uploads, "c") == ""


def test_one_sender_takes_no_place_of_another(uploads: Uploads) -> None:
    assert offered(uploads, "abc") == "ab"
    assert offered(uploads, "def", principal="max") == "de"
    assert offered(uploads, "ghi", principal="") == "gh"


@pytest.mark.parametrize("end", ["finish", "fail"])
def test_one_that_has_ended_gives_its_place_to_another(uploads: Uploads, end: str) -> None:
    assert offered(uploads, "ab") == "ab"
    uploads.begin("a", 1, NOW + 900)
    assert offered(uploads, "c") == ""
    for _ in range(2):  # a message may come twice
        uploads.finish("a", "answer") if end == "finish" else uploads.fail("a")
    assert offered(uploads, "cd") == "c"


def test_one_that_is_sent_to_ingest_again_does_not_count(uploads: Uploads) -> None:
    assert offered(uploads, "ab") == "ab"
    uploads.fail("a")
    uploads.begin("a", 1, NOW + 900)
    uploads.finish("a", "answer")
    assert offered(uploads, "cd") == "c"


def test_one_that_nobody_puts_counts_until_its_time_is_over(
    uploads: Uploads, passing: Callable[[float], None]
) -> None:
    assert offered(uploads, "ab") == "ab"
    passing(SECONDS)
    assert offered(uploads, "c", created=NOW + SECONDS) == ""
    passing(SECONDS + 3600)
    assert offered(uploads, "cde", created=NOW + SECONDS + 3600) == "cd"
    uploads.fail("a")
    assert item(uploads)["Pending"] == 2


def test_what_is_over_is_taken_out_before_the_number_is_reached(
    uploads: Uploads, passing: Callable[[float], None]
) -> None:
    for later in range(0, 100 * 3600, 3600):
        passing(later)
        assert uploads._pending.add("erika", hour(NOW + later + SECONDS), 1000)
    kept = item(uploads)
    hours = {name: number for name, number in kept.items() if name.startswith("Until")}
    assert kept["Pending"] == sum(hours.values()) == len(hours) == 26
    assert kept["Expires"] == (hour(NOW + 99 * 3600 + SECONDS) + 1) * 3600


def test_what_another_request_has_just_taken_out_is_not_taken_out_twice(
    uploads: Uploads, passing: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    forget = PendingUploads._forget

    def twice(pending: PendingUploads, principal: str, ended: int, number: int) -> None:
        forget(pending, principal, ended, number)
        forget(pending, principal, ended, number)

    monkeypatch.setattr(PendingUploads, "_forget", twice)
    assert offered(uploads, "abc", most=3) == "abc"
    passing(SECONDS + 7200)
    assert offered(uploads, "d", most=3, created=NOW + SECONDS + 7200) == "d"
    assert item(uploads)["Pending"] == 1


def test_the_number_holds_however_many_are_announced_at_once(uploads: Uploads) -> None:
    with ThreadPoolExecutor(8) as senders:
        found = senders.map(lambda name: offered(uploads, name, most=5), "abcdefghijklmnop")
    assert len("".join(found)) == item(uploads)["Pending"] == 5


def test_one_that_cannot_be_added_does_not_count(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")

    def fails(_: Upload) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(uploads, "add", fails)
        with pytest.raises(ClientError):
            uploads.offer(upload("a"), 1)
    assert offered(uploads, "ab", most=1) == "a"


def test_an_end_that_cannot_be_counted_is_an_end_all_the_same(
    uploads: Uploads, passing: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offered(uploads, "a", most=1) == "a"
    with monkeypatch.context() as patch:
        patch.setattr(uploads._pending, "_table", "absent")
        uploads.finish("a", "answer")
    ended = uploads.find("a")
    assert ended is not None
    assert (ended.state, ended.answer, ended.counted_until) == ("done", "answer", None)
    assert offered(uploads, "b", most=1) == ""
    passing(SECONDS + 3600)
    assert offered(uploads, "b", most=1, created=NOW + SECONDS + 3600) == "b"


def test_a_table_that_is_missing_is_an_error(uploads: Uploads) -> None:
    absent = PendingUploads("absent", uploads._dynamodb)
    with pytest.raises(uploads._dynamodb.exceptions.ResourceNotFoundException):
        absent.add("erika", hour(NOW), 1)

import json
import time
from io import StringIO

import pytest

import ingest.handler
from archive.copies import SMALLEST_COPY_BYTES
from events.instances import BOUNDARY
from events.instances import metadata as payload
from events.proxy import staged_event, store_event
from ingest.handler import TryAgain
from store.handler import lambda_handler as store
from store.settings import settings as store_settings
from tests import builders
from tests.ingest.bodies import body_of, image
from tests.ingest.deployment import ATTEMPTS, MULTIPART, LargeRequests, invoke_ingest
from tests.store.lambdas import Context, Reply

SMALL = image(1)
GARBAGE = b"this is not a DICOM file"


def ingested(large: LargeRequests, body: bytes, study: str | None = None) -> Reply:
    upload = large.upload(body, study=study)
    invoke_ingest(large.message(upload))
    return large.look_up(upload)


def test_large_and_small_instances_are_stored_byte_for_byte(large: LargeRequests) -> None:
    images = [image(1), image(2, SMALLEST_COPY_BYTES), image(3), image(4, 3_000_000)]
    reply = ingested(large, body_of(*images))
    assert (reply.status, reply.warnings) == (200, [])
    assert large.instances() == {
        builders.sop_uid(number=number): content for number, content in enumerate(images, start=1)
    }
    assert {large.content_type(key) for key in large.keys("studies/")} == {
        "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
    }


def test_only_what_is_large_is_copied_inside_s3(
    large: LargeRequests, calls: dict[str, int]
) -> None:
    ingested(large, body_of(image(1), image(2, SMALLEST_COPY_BYTES), image(3)))
    assert calls["UploadPartCopy"] == calls["CompleteMultipartUpload"] == 1
    assert calls["PutObject"] == 2 + 1  # and the answer
    assert large.unfinished() == 0


def test_the_staged_body_is_gone_with_all_of_its_versions(large: LargeRequests) -> None:
    ingested(large, body_of(SMALL))
    assert large.versions("staging/") == 0


def test_one_part_10_file_is_a_body_too(large: LargeRequests) -> None:
    upload = large.upload(SMALL, "application/dicom")
    invoke_ingest(large.message(upload))
    assert large.look_up(upload).status == 200
    assert list(large.instances().values()) == [SMALL]


@pytest.mark.parametrize("accept", ["application/dicom+xml", "application/dicom+json"])
def test_the_answer_is_that_of_a_post_of_the_same_body(large: LargeRequests, accept: str) -> None:
    body = body_of(SMALL, GARBAGE, builders.instance(study=2))
    upload = large.upload(body, study=builders.study_uid(1))
    invoke_ingest(large.message(upload))
    looked_up = large.look_up(upload, accept)
    store_settings.cache_clear()
    posted = store(
        store_event(body, MULTIPART, study=builders.study_uid(1), headers={"Accept": accept}),
        Context(28),
    )
    store_settings.cache_clear()
    assert looked_up.response == json.loads(json.dumps(posted))
    assert (looked_up.status, len(looked_up.warnings)) == (202, 2)


def test_metadata_and_bulk_data_are_stored_as_a_post_of_them_would_be(
    large: LargeRequests,
) -> None:
    metadata = f'multipart/related; type="application/dicom+json"; boundary={BOUNDARY}'
    upload = large.upload(payload(), metadata)
    invoke_ingest(large.message(upload))
    assert large.look_up(upload).status == 200
    (content,) = large.instances().values()
    assert content[128:132] == b"DICM"


def test_a_body_for_another_study_is_409(large: LargeRequests) -> None:
    reply = ingested(large, body_of(SMALL), study=builders.study_uid(9))
    assert (reply.status, reply.failure_reasons) == (409, ["C409"])
    assert large.instances() == {}


def test_other_bytes_under_the_same_uids_are_refused(large: LargeRequests) -> None:
    ingested(large, body_of(SMALL))
    reply = ingested(large, body_of(builders.instance(PatientSex="F")))
    assert (reply.status, reply.failure_reasons) == (409, ["0111"])
    assert list(large.instances().values()) == [SMALL]


@pytest.mark.parametrize("missing", [1, 30, 5000])
def test_a_body_with_a_broken_end_is_400_and_nothing_is_stored(
    large: LargeRequests, missing: int
) -> None:
    body = body_of(SMALL, image(2, 10_000)).rstrip()
    reply = ingested(large, body[:-missing])
    assert reply.status == 400
    assert "no close delimiter" in reply.warnings[0]
    assert (large.keys("studies/"), large.items(), large.keys("staging/")) == ([], [], [])


def test_a_body_of_another_size_is_400_unread(large: LargeRequests) -> None:
    body = body_of(SMALL)
    upload = large.upload(body)
    large.change(upload, Size={"N": str(len(body) + 1)})
    invoke_ingest(large.message(upload))
    reply = large.look_up(upload)
    assert reply.status == 400
    assert f"found a body of {len(body)} bytes" in reply.warnings[0]
    assert large.instances() == {}


def test_an_upload_takes_no_second_body_before_it_is_done(large: LargeRequests) -> None:
    offer = large.announce(len(body_of(SMALL)))
    assert large.put(offer, body_of(SMALL)) == 200
    assert large.put(offer, body_of(SMALL)) == 412


def test_a_second_body_after_the_upload_is_done_is_deleted_unread(
    large: LargeRequests, log: StringIO
) -> None:
    body, other = body_of(SMALL), body_of(image(2))
    offer = large.announce(len(body))
    large.put(offer, body)
    invoke_ingest(large.message(offer.id))
    answer = large.look_up(offer.id).response
    large.put(offer, other)
    invoke_ingest(large.message(offer.id))
    assert large.look_up(offer.id).response == answer
    assert list(large.instances().values()) == [SMALL]
    assert large.versions("staging/") == 0
    assert json.loads(log.getvalue().splitlines()[-1])["message"] == "used"


def test_a_message_that_comes_twice_changes_nothing(large: LargeRequests) -> None:
    upload = large.upload(body_of(SMALL))
    message = large.message(upload)
    invoke_ingest(message)
    stored, answer = large.instances(), large.look_up(upload).response
    invoke_ingest(message)
    assert (large.instances(), large.look_up(upload).response) == (stored, answer)


def test_a_worker_that_comes_second_does_not_overwrite_the_answer(
    large: LargeRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = large.upload(body_of(SMALL))
    message = large.message(upload)
    download = ingest.handler.download

    def overtaken(*arguments: object) -> object:
        with monkeypatch.context() as patch:
            patch.setattr(ingest.handler, "download", download)
            invoke_ingest(message)
        return download(*arguments)  # type: ignore[arg-type] # passed on as they came

    monkeypatch.setattr(ingest.handler, "download", overtaken)
    with pytest.raises(TryAgain):
        invoke_ingest(message)
    assert large.look_up(upload).status == 200
    assert large.item(upload)["State"] == {"S": "done"}


class TestPoison:
    """A body that no attempt gets through."""

    @pytest.fixture
    def poisoned(self, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        def fails(*_: object) -> None:
            raise RuntimeError("Planted^Name")

        monkeypatch.setattr(ingest.handler, "read_parts", fails)
        return monkeypatch

    def exhaust(self, large: LargeRequests) -> str:
        upload = large.upload(body_of(SMALL))
        for attempt in range(1, ATTEMPTS + 1):
            assert json.loads(large.look_up(upload).body)["state"] == "pending"
            with pytest.raises(TryAgain):
                invoke_ingest(large.message(upload, attempt))
        return upload

    def test_it_is_failed_after_the_last_attempt_and_its_body_is_kept(
        self, large: LargeRequests, poisoned: pytest.MonkeyPatch
    ) -> None:
        upload = self.exhaust(large)
        assert poisoned is not None
        reply = large.look_up(upload)
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
        assert '"0110: the body could not be processed' in reply.warnings[0]
        assert large.keys() == [f"staging/{upload}"]

    def test_its_message_can_be_sent_again_once_the_cause_is_gone(
        self, large: LargeRequests, poisoned: pytest.MonkeyPatch
    ) -> None:
        upload = self.exhaust(large)
        poisoned.undo()
        for name, value in large.variables.items():
            poisoned.setenv(name, value)
        invoke_ingest(large.message(upload))
        assert large.look_up(upload).status == 200
        assert list(large.instances().values()) == [SMALL]

    def test_the_message_of_its_exception_is_not_logged(
        self, large: LargeRequests, poisoned: pytest.MonkeyPatch, log: StringIO
    ) -> None:
        upload = self.exhaust(large)
        assert poisoned is not None
        assert "Planted" not in log.getvalue()
        lines = [json.loads(line) for line in log.getvalue().splitlines()]
        unforeseen = [line for line in lines if line["message"] == "unforeseen"]
        assert [line["attempt"] for line in unforeseen] == [1, 2, 3]
        assert {line["upload"] for line in unforeseen} == {upload}

    def test_a_last_attempt_that_dies_is_failed_when_its_time_is_over(
        self, large: LargeRequests, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class DiesHard(BaseException):
            pass

        def dies(*_: object) -> None:
            raise DiesHard

        monkeypatch.setattr(ingest.handler, "read_parts", dies)
        upload = large.upload(body_of(SMALL))
        with pytest.raises(DiesHard):
            invoke_ingest(large.message(upload, ATTEMPTS), seconds=900)
        assert large.look_up(upload).status == 200
        failed_after = int(large.item(upload)["FailedAfter"]["N"])
        assert failed_after == pytest.approx(time.time() + 900, abs=30)
        large.change(upload, FailedAfter={"N": str(int(time.time()) - 1)})
        assert large.look_up(upload).status == 503


class TestResources:
    """What lacked for a while is tried again; what lacks to the end is said."""

    def test_an_attempt_without_time_left_is_made_again(self, large: LargeRequests) -> None:
        upload = large.upload(body_of(SMALL))
        with pytest.raises(TryAgain):
            invoke_ingest(large.message(upload), seconds=ingest.handler.SECONDS_TO_ANSWER)
        assert json.loads(large.look_up(upload).body)["state"] == "pending"
        invoke_ingest(large.message(upload, 2))
        assert large.look_up(upload).status == 200

    def test_the_last_attempt_answers_503_with_a700(self, large: LargeRequests) -> None:
        upload = large.upload(body_of(SMALL))
        seconds = ingest.handler.SECONDS_TO_ANSWER
        invoke_ingest(large.message(upload, ATTEMPTS), seconds=seconds)
        reply = large.look_up(upload)
        assert (reply.status, reply.failure_reasons) == (503, ["A700"])


def test_a_body_that_nobody_announced_is_left_alone(large: LargeRequests, log: StringIO) -> None:
    upload = large.upload(body_of(SMALL))
    large.forget(upload)
    invoke_ingest(large.message(upload))
    assert large.keys() == [f"staging/{upload}"]
    assert json.loads(log.getvalue().splitlines()[-1])["message"] == "unknown"


def test_a_body_that_is_gone_fails_its_attempts(large: LargeRequests) -> None:
    offer = large.announce(5)
    staged = {"key": f"staging/{offer.id}", "size": 5, "etag": "0" * 32}
    message = staged_event(large.bucket, staged)
    with pytest.raises(TryAgain):
        invoke_ingest(message)

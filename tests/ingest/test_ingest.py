import json
import time
from collections.abc import Sequence
from io import StringIO
from mmap import mmap

import pytest

import ingest.handler
from archive.copies import SMALLEST_COPY_BYTES
from archive.errors import ArchiveError
from archive.staging import StagedBody, Staging
from archive.uploads import SECONDS_UNSEEN
from dicomweb.instances import SOPInstance
from dicomweb.reasons import FailureReason
from events.instances import BOUNDARY
from events.instances import metadata as payload
from events.proxy import staged_event, store_event
from ingest.handler import TryAgain
from store.handler import lambda_handler as store
from store.settings import settings as store_settings
from tests import builders
from tests.ingest.bodies import body_of, image
from tests.ingest.deployment import ATTEMPTS, MULTIPART, LargeRequests, forget, invoke_ingest
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


def test_a_body_that_is_one_file_is_copied_from_its_first_byte(
    large: LargeRequests, calls: dict[str, int]
) -> None:
    content = image(1, SMALLEST_COPY_BYTES)
    invoke_ingest(large.message(large.upload(content, "application/dicom")))
    assert calls["UploadPartCopy"] == 1
    assert list(large.instances().values()) == [content]


def test_what_was_made_of_metadata_is_nowhere_to_be_copied_from(
    large: LargeRequests, calls: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.objects.SMALLEST_COPY_BYTES", 0)
    metadata = f'multipart/related; type="application/dicom+json"; boundary={BOUNDARY}'
    invoke_ingest(large.message(large.upload(payload(), metadata)))
    assert calls["UploadPartCopy"] == 0
    assert calls["PutObject"] == 1 + 1  # and the answer


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
    assert "without a close delimiter" in reply.warnings[0]
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
    mapped = Staging.mapped

    def overtaken(staging: Staging, body: StagedBody) -> mmap:
        with monkeypatch.context() as patch:
            patch.setattr(Staging, "mapped", mapped)
            invoke_ingest(message)
        return mapped(staging, body)

    monkeypatch.setattr(Staging, "mapped", overtaken)
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
        check_given_up(large, upload)

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
        assert [line["attempt"] for line in unforeseen] == [*range(1, ATTEMPTS + 1)]
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
    """What lacked for a while is tried again; what lacks to the end is given up, and kept."""

    def test_an_attempt_without_time_left_is_made_again(self, large: LargeRequests) -> None:
        upload = large.upload(body_of(SMALL))
        with pytest.raises(TryAgain):
            invoke_ingest(large.message(upload), seconds=ingest.handler.SECONDS_TO_ANSWER)
        assert json.loads(large.look_up(upload).body)["state"] == "pending"
        invoke_ingest(large.message(upload, 2))
        assert large.look_up(upload).status == 200

    def test_a_last_attempt_without_time_left_is_given_up(self, large: LargeRequests) -> None:
        upload = large.upload(body_of(SMALL))
        with pytest.raises(TryAgain):
            invoke_ingest(large.message(upload, ATTEMPTS), seconds=ingest.handler.SECONDS_TO_ANSWER)
        check_given_up(large, upload)


class TestFaultsOfTheArchive:
    """What the archive cannot do, whatever it is, never ends an upload."""

    def use_table(self, large: LargeRequests, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        assert large.bucket
        monkeypatch.setenv("INDEX_TABLE", name)
        forget()

    def test_a_table_that_is_missing_consumes_no_body(
        self, large: LargeRequests, monkeypatch: pytest.MonkeyPatch, log: StringIO
    ) -> None:
        self.use_table(large, monkeypatch, "absent")
        upload = large.upload(body_of(SMALL, GARBAGE))
        for attempt in range(1, ATTEMPTS + 1):
            assert json.loads(large.look_up(upload).body)["state"] == "pending"
            with pytest.raises(TryAgain):
                invoke_ingest(large.message(upload, attempt))
        check_given_up(large, upload)
        again = [
            line
            for line in map(json.loads, log.getvalue().splitlines())
            if line["message"] == "again"
        ]
        assert [line["attempt"] for line in again] == [*range(1, ATTEMPTS + 1)]
        assert {line["upload"] for line in again} == {upload}
        assert again[0]["failed"] == {"0110": 1}
        assert "ResourceNotFoundException" in again[0]["texts"][0]
        self.use_table(large, monkeypatch, large.variables["INDEX_TABLE"])
        invoke_ingest(large.message(upload))
        assert large.look_up(upload).status == 202
        assert list(large.instances().values()) == [SMALL]
        assert large.versions("staging/") == 0

    def test_the_items_say_by_which_upload_they_were_stored_and_who_announced_it(
        self, large: LargeRequests
    ) -> None:
        upload = large.upload(body_of(SMALL))
        large.change(upload, Principal={"S": "4dc1cbef"})
        invoke_ingest(large.message(upload))
        (item,) = (each for each in large.items() if "SHA256" in each)
        assert item["Request"]["S"] == f"upload {upload} 4dc1cbef"

    @pytest.mark.parametrize(
        "reason", [FailureReason.PROCESSING_FAILURE, FailureReason.OUT_OF_RESOURCES]
    )
    def test_one_instance_that_the_archive_did_not_keep_keeps_the_body(
        self, large: LargeRequests, monkeypatch: pytest.MonkeyPatch, reason: FailureReason
    ) -> None:
        def keep(instances: Sequence[SOPInstance], **_: object) -> list[ArchiveError | None]:
            return [None] * (len(instances) - 1) + [ArchiveError(reason, "planted")]

        upload = large.upload(body_of(SMALL, image(2)))
        with monkeypatch.context() as patch:
            patch.setattr(ingest.handler, "keep", keep)
            with pytest.raises(TryAgain):
                invoke_ingest(large.message(upload, ATTEMPTS))
        check_given_up(large, upload)
        invoke_ingest(large.message(upload))
        assert large.look_up(upload).status == 200

    def test_an_instance_that_the_service_fails_at_keeps_the_body(
        self, large: LargeRequests, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(*_: object, **__: object) -> None:
            raise RuntimeError("Planted^Name")

        upload = large.upload(body_of(SMALL))
        with monkeypatch.context() as patch:
            patch.setattr("transaction.intake.receive", fails)
            with pytest.raises(TryAgain):
                invoke_ingest(large.message(upload, ATTEMPTS))
        check_given_up(large, upload)


class TestRefusedAsAWhole:
    """What a POST would answer 400 is 400 after the first attempt, and nothing to look into."""

    @pytest.mark.parametrize(
        ("media_type", "root"),
        [
            ("application/dicom+json", b"[{"),
            ("application/dicom+json", b'[{"00280010": {"vr": "US", "Value": [NaN]}}]'),
            ("application/dicom+json", b"[]"),
            ("application/dicom+xml", b"<NativeDicomModel>"),
        ],
    )
    def test_metadata_that_is_none_is_400_at_once(
        self, large: LargeRequests, log: StringIO, media_type: str, root: bytes
    ) -> None:
        content_type = f'multipart/related; type="{media_type}"; boundary={builders.BOUNDARY}'
        body = builders.multipart(b"Content-Type: " + media_type.encode() + b"\r\n\r\n" + root)
        upload = large.upload(body, content_type)
        invoke_ingest(large.message(upload))
        looked_up = large.look_up(upload)
        store_settings.cache_clear()
        headers = {"Accept": "application/dicom+xml"}
        posted = store(store_event(body, content_type, headers=headers), Context(28))
        store_settings.cache_clear()
        assert looked_up.status == 400
        assert looked_up.response == json.loads(json.dumps(posted))
        assert large.versions("staging/") == 0
        assert "unforeseen" not in log.getvalue()


class TestPending:
    """An upload is pending for a time that is known beforehand."""

    def test_one_whose_body_nobody_puts_is_given_up(self, large: LargeRequests) -> None:
        offered = large.announce(5)
        until = int(large.item(offered.id)["FailedAfter"]["N"])
        assert until == pytest.approx(time.time() + 3600 + SECONDS_UNSEEN, abs=30)
        assert json.loads(large.look_up(offered.id).body)["state"] == "pending"
        self.let_pass(large, offered.id)
        reply = large.look_up(offered.id)
        assert (reply.status, "Retry-After" in reply.headers) == (503, False)
        assert '"0110: the upload was given up' in reply.warnings[0]

    @pytest.mark.parametrize("attempt", [1, 2])
    def test_one_whose_attempt_dies_is_given_up_when_no_other_comes(
        self, large: LargeRequests, monkeypatch: pytest.MonkeyPatch, attempt: int
    ) -> None:
        class DiesHard(BaseException):
            pass

        def dies(*_: object) -> None:
            raise DiesHard

        monkeypatch.setattr(ingest.handler, "read_parts", dies)
        upload = large.upload(body_of(SMALL))
        with pytest.raises(DiesHard):
            invoke_ingest(large.message(upload, attempt))
        until = int(large.item(upload)["FailedAfter"]["N"])
        expected = (ATTEMPTS - attempt) * 5400 + SECONDS_UNSEEN
        assert until == pytest.approx(time.time() + expected, abs=30)
        self.let_pass(large, upload)
        check_given_up(large, upload)

    def test_one_that_was_given_up_too_early_is_stored_all_the_same(
        self, large: LargeRequests
    ) -> None:
        upload = large.upload(body_of(SMALL))
        self.let_pass(large, upload)
        check_given_up(large, upload)
        invoke_ingest(large.message(upload))
        assert large.look_up(upload).status == 200

    @staticmethod
    def let_pass(large: LargeRequests, upload: str) -> None:
        large.change(upload, FailedAfter={"N": str(int(time.time()) - 1)})


def check_given_up(large: LargeRequests, upload: str) -> None:
    """Check that the sender is told so, in other words than to ask again, and the body is there."""
    reply = large.look_up(upload)
    assert (reply.status, "Retry-After" in reply.headers) == (503, False)
    assert '"0110: the upload was given up' in reply.warnings[0]
    assert large.keys(f"staging/{upload}")
    assert not large.keys("answers/")


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

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3.session
import pytest
from botocore.exceptions import IncompleteReadError

from archive import staging
from archive.disk import DiskFull
from archive.staging import StagedBody, Staging
from archive.uploads import State, Upload, Uploads
from tests.archive.deployment import BUCKET, Deployment

CONTENT = bytes(range(256)) * 5


@pytest.fixture
def bucket(
    deployment: Deployment, session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch
) -> Staging:
    monkeypatch.setattr(staging, "Session", lambda: session)
    monkeypatch.setattr(staging, "RANGE_BYTES", 500)
    assert deployment.items() == {}
    return Staging(BUCKET)


@pytest.fixture
def body(deployment: Deployment) -> StagedBody:
    put = deployment._s3.put_object(Bucket=BUCKET, Key="staging/one", Body=CONTENT)
    return StagedBody(key="staging/one", size=len(CONTENT), etag=put["ETag"])


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "body", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


class TestDownload:
    def test_a_body_is_written_in_its_order(
        self, bucket: Staging, body: StagedBody, file: int
    ) -> None:
        bucket.download(body, file)
        assert os.pread(file, len(CONTENT) + 1, 0) == CONTENT

    @pytest.mark.parametrize("failures", [1, 2])
    def test_a_range_that_is_cut_off_is_read_again(
        self,
        bucket: Staging,
        body: StagedBody,
        file: int,
        failures: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        cut_off(monkeypatch, bucket, failures)
        bucket.download(body, file)
        assert os.pread(file, len(CONTENT) + 1, 0) == CONTENT

    def test_a_range_that_is_cut_off_every_time_is_an_error(
        self, bucket: Staging, body: StagedBody, file: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cut_off(monkeypatch, bucket, 3)
        with pytest.raises(IncompleteReadError):
            bucket.download(body, file)

    def test_a_body_that_has_changed_is_not_read(
        self, bucket: Staging, body: StagedBody, file: int
    ) -> None:
        other = StagedBody(key=body.key, size=body.size, etag='"0"')
        with pytest.raises(bucket._s3.exceptions.ClientError, match="PreconditionFailed"):
            bucket.download(other, file)

    def test_a_disk_that_is_full_is_an_error(
        self, bucket: Staging, body: StagedBody, file: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(DiskFull, match="No space"):
            bucket.download(body, file)

    def test_a_disk_that_takes_nothing_is_full(
        self, bucket: Staging, body: StagedBody, file: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "pwrite", lambda *_: 0)
        with pytest.raises(DiskFull, match="No space"):
            bucket.download(body, file)

    def test_any_other_error_of_the_disk_is_not_called_full(
        self, bucket: Staging, body: StagedBody, file: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> None:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(os, "pwrite", broken)
        with pytest.raises(OSError, match="Input/output") as raised:
            bucket.download(body, file)
        assert not isinstance(raised.value, DiskFull)

    @pytest.mark.parametrize("most", [1, 7, 499])
    def test_what_is_written_short_is_written_on(
        self,
        bucket: Staging,
        body: StagedBody,
        file: int,
        most: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        pwrite = os.pwrite

        def short(file: int, content: memoryview, offset: int) -> int:
            return pwrite(file, content[:most], offset)

        monkeypatch.setattr(os, "pwrite", short)
        bucket.download(body, file)
        assert os.pread(file, len(CONTENT) + 1, 0) == CONTENT


def cut_off(monkeypatch: pytest.MonkeyPatch, bucket: Staging, failures: int) -> None:
    """Let the first range end too early, so many times."""
    download, left = bucket._download_once, [failures]

    def fails(body: StagedBody, file: int, offset: int) -> None:
        if offset == 0 and left[0]:
            left[0] -= 1
            raise IncompleteReadError(actual_bytes=1, expected_bytes=2)
        download(body, file, offset)

    monkeypatch.setattr(bucket, "_download_once", fails)


def test_a_body_without_versions_is_deleted(
    bucket: Staging, body: StagedBody, deployment: Deployment
) -> None:
    bucket.delete(body)
    bucket.delete(body)
    assert deployment._s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_an_answer_does_not_overwrite_another(bucket: Staging) -> None:
    first, second = bucket.put_answer("one", "{}"), bucket.put_answer("one", "[]")
    assert first != second
    assert (bucket.get_answer(first), bucket.get_answer(second)) == ("{}", "[]")


@pytest.mark.parametrize("failures", [2, 3])
def test_an_answer_that_is_cut_off_is_read_again_twice(
    bucket: Staging, failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, read, left = bucket.put_answer("one", "{}"), bucket._get_answer_once, [failures]

    def cut(key: str) -> str:
        if left[0]:
            left[0] -= 1
            raise IncompleteReadError(actual_bytes=1, expected_bytes=2)
        return read(key)

    monkeypatch.setattr(bucket, "_get_answer_once", cut)
    if failures == 2:
        assert bucket.get_answer(key) == "{}"
    else:
        with pytest.raises(IncompleteReadError):
            bucket.get_answer(key)


class TestUploads:
    def upload(self, **changes: Any) -> Upload:  # noqa: ANN401 - any field
        created = 4_000_000_000
        announced: dict[str, Any] = {
            "id": "one",
            "base_url": "https://example.org/dicomweb",
            "content_type": "application/dicom",
            "size": 5,
            "study_instance_uid": "1.2",
            "principal": "erika",
            "created": created,
        }
        return Upload(**announced | changes)

    def test_its_url_is_that_of_the_resource_it_would_have_been_sent_to(self) -> None:
        assert self.upload().url == "https://example.org/dicomweb/studies/1.2"
        all_studies = self.upload(study_instance_uid=None)
        assert all_studies.url == "https://example.org/dicomweb/studies"

    @pytest.mark.parametrize("study", ["1.2", None])
    def test_what_was_added_is_found(self, uploads: Uploads, study: str | None) -> None:
        upload = self.upload(study_instance_uid=study)
        uploads.add(upload)
        assert uploads.find("one") == upload
        assert uploads.find("two") is None

    @pytest.mark.parametrize("change", [{"size": 6}, {"failed_after": 901}, {"principal": "max"}])
    def test_an_id_is_used_once(self, uploads: Uploads, change: dict[str, Any]) -> None:
        uploads.add(self.upload(failed_after=900))
        with pytest.raises(uploads._dynamodb.exceptions.ConditionalCheckFailedException):
            uploads.add(self.upload(**{"failed_after": 900} | change))
        assert uploads.find("one") == self.upload(failed_after=900)

    def test_an_upload_whose_own_first_write_took_effect_is_added(self, uploads: Uploads) -> None:
        uploads.add(self.upload(failed_after=900))
        uploads.add(self.upload(failed_after=900))
        assert uploads.find("one") == self.upload(failed_after=900)

    def test_any_other_refusal_of_an_upload_is_an_error(self, uploads: Uploads) -> None:
        absent = Uploads("absent")
        assert uploads.find("one") is None
        with pytest.raises(absent._dynamodb.exceptions.ResourceNotFoundException):
            absent.add(self.upload())

    def test_an_attempt_is_counted_and_has_an_end(self, uploads: Uploads) -> None:
        uploads.add(self.upload(failed_after=700))
        first = self.upload(failed_after=800)
        assert uploads.begin("one", 1, 800) == uploads.find("one") == first
        last = self.upload(failed_after=900)
        assert uploads.begin("one", 3, 900) == uploads.find("one") == last
        key = {"Upload": {"S": "one"}}
        item = uploads._dynamodb.get_item(TableName=uploads._table, Key=key)["Item"]
        assert item["Attempts"] == {"N": "3"}
        assert uploads.begin("one", 1, 800) == first
        assert uploads.begin("two", 1, 800) is None

    def test_what_is_done_stays_done(self, uploads: Uploads) -> None:
        uploads.add(self.upload())
        uploads.begin("one", 3, 900)
        uploads.finish("one", "answer")
        uploads.finish("one", "another")
        uploads.fail("one")
        done = self.upload(state=State.DONE, answer="answer")
        assert uploads.fail("one") == done
        assert uploads.begin("one", 4, 900) == uploads.find("one") == done
        assert not done.is_failed(1e12)

    def test_what_has_failed_may_begin_again(self, uploads: Uploads) -> None:
        uploads.add(self.upload())
        failed = uploads.fail("one")
        assert failed == uploads.find("one") == self.upload(state=State.FAILED)
        assert failed.is_failed(0)
        assert uploads.begin("one", 1, 900) == self.upload(failed_after=900)
        assert uploads.fail("two") is None

    def test_any_other_refusal_is_an_error(self, uploads: Uploads) -> None:
        absent = Uploads("absent")
        assert uploads.find("one") is None
        with pytest.raises(absent._dynamodb.exceptions.ResourceNotFoundException):
            absent.fail("one")

    @pytest.mark.parametrize(("now", "failed"), [(900, False), (901, True)])
    def test_what_is_pending_has_failed_when_its_time_is_over(self, now: int, failed: bool) -> None:
        assert self.upload(failed_after=900).is_failed(now) is failed
        assert not self.upload().is_failed(now)

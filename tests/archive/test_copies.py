import base64
import hashlib
from collections import Counter
from http import HTTPStatus
from threading import Barrier, BoundedSemaphore, Event, Lock
from typing import TYPE_CHECKING, Any

import pytest
from botocore.parsers import ResponseParserError

from archive import copies, objects
from archive.copies import Source
from archive.errors import ArchiveError
from archive.staging import StagedBody
from tests.archive.deployment import (
    BUCKET,
    PROVENANCE,
    Answer,
    Deployment,
    Sender,
    instance,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = 10
PREAMBLE, CONTENT = b"before it ", b"content of an instance, copied inside S3"
CREATE, RANGE, COMPLETE, ABORT, PUT = (
    "s3.CreateMultipartUpload",
    "s3.UploadPartCopy",
    "s3.CompleteMultipartUpload",
    "s3.AbortMultipartUpload",
    "s3.PutObject",
)


@pytest.fixture
def source(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A staged body with the instance in it, which counts as large."""
    monkeypatch.setattr(objects, "SMALLEST_COPY_BYTES", len(CONTENT))
    put = deployment._s3.put_object(
        Bucket=BUCKET, Key="staging/one", Body=PREAMBLE + CONTENT + b" and after it"
    )
    body = StagedBody(key="staging/one", size=0, etag=put["ETag"])
    return body.source(len(PREAMBLE))


def keep(sender: Sender, source: Source, content: bytes = CONTENT) -> list[str]:
    one = instance(content=content)
    kept = sender.archive.keep([one], seconds=20, provenance=PROVENANCE, sources=[source])
    return [each.reason.name if isinstance(each, ArchiveError) else "stored" for each in kept]


def count(sender: Sender, *calls: str) -> None:
    for call in calls:
        sender.on(f"before-call.{call}", lambda model, **_: sender.calls.update([model.name]))


def test_a_large_instance_is_the_range_of_its_source(
    deployment: Deployment, sender: Sender, source: Source
) -> None:
    count(sender, CREATE, RANGE, COMPLETE)
    assert keep(sender, source) == ["stored"]
    ((key, content),) = deployment.objects().items()
    assert content == CONTENT
    assert deployment.stored(key)["ContentType"].startswith("application/dicom; transfer-syntax=")
    assert sender.calls[PUT] == 0
    assert sender.calls["UploadPartCopy"] == 1


def test_a_smaller_one_is_put(deployment: Deployment, sender: Sender, source: Source) -> None:
    assert keep(sender, source, CONTENT[:-1]) == ["stored"]
    assert list(deployment.objects().values()) == [CONTENT[:-1]]
    assert sender.calls[PUT] == 1


def test_what_is_larger_than_a_range_is_copied_in_several(
    deployment: Deployment,
    sender: Sender,
    source: Source,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(copies, "LARGEST_RANGE_BYTES", 16)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    count(sender, RANGE)
    assert keep(sender, source) == ["stored"]
    assert list(deployment.objects().values()) == [CONTENT]
    assert sender.calls["UploadPartCopy"] == -(-len(CONTENT) // 16)


def test_ranges_are_copied_at_the_same_time(
    deployment: Deployment, sender: Sender, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "LARGEST_RANGE_BYTES", 8)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    ranges = -(-len(CONTENT) // 8)
    together = Barrier(ranges)

    def wait_for_all(**_: object) -> None:
        together.wait(SECONDS)

    sender.on("before-call.s3.UploadPartCopy", wait_for_all)
    assert ranges <= copies.RANGES_AT_A_TIME
    assert keep(sender, source) == ["stored"]
    assert list(deployment.objects().values()) == [CONTENT]


def test_no_more_ranges_are_copied_at_a_time_than_allowed(
    sender: Sender, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "LARGEST_RANGE_BYTES", 4)
    monkeypatch.setattr(copies, "_copying", BoundedSemaphore(2))
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    lock, begun, most = Lock(), Counter[str](), [0]

    def begin(**_: object) -> None:
        with lock:
            begun["ranges"] += 1
            most[0] = max(most[0], begun["ranges"])

    def end(**_: object) -> None:
        with lock:
            begun["ranges"] -= 1

    sender.on("before-call.s3.UploadPartCopy", begin)
    sender.on("after-call.s3.UploadPartCopy", end)
    assert keep(sender, source) == ["stored"]
    assert most == [2]


def test_a_copy_is_aborted_when_its_last_range_has_ended(
    sender: Sender, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "LARGEST_RANGE_BYTES", 30)
    both, aborted = Barrier(2), Event()
    ended_before = []

    def copy(params: dict[str, Any], **_: object) -> Answer | None:
        both.wait(SECONDS)
        if params["query_string"]["partNumber"] == 1:
            return refusal("AccessDenied", HTTPStatus.FORBIDDEN)
        ended_before.append(not aborted.wait(0.2))
        return None

    sender.on("before-call.s3.UploadPartCopy", copy)
    sender.on("before-call.s3.AbortMultipartUpload", lambda **_: aborted.set())
    assert keep(sender, source) == ["PROCESSING_FAILURE"]
    assert ended_before == [True]
    assert aborted.is_set()


def test_the_digest_of_every_range_goes_with_its_completion(
    sender: Sender, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "LARGEST_RANGE_BYTES", 30)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    created: list[Mapping[str, Any]] = []
    completed: list[Mapping[str, Any]] = []
    sender.on(
        "provide-client-params.s3.CreateMultipartUpload", lambda params, **_: created.append(params)
    )
    sender.on(
        "provide-client-params.s3.CompleteMultipartUpload",
        lambda params, **_: completed.append(params),
    )
    assert keep(sender, source) == ["stored"]
    assert created[0]["ChecksumAlgorithm"] == "SHA256"
    assert completed[0]["IfNoneMatch"] == "*"
    assert [part["ChecksumSHA256"] for part in completed[0]["MultipartUpload"]["Parts"]] == [
        base64.b64encode(hashlib.sha256(piece).digest()).decode()
        for piece in (CONTENT[:30], CONTENT[30:])
    ]


def test_an_object_that_is_there_stays_and_the_copy_is_aborted(
    deployment: Deployment, sender: Sender, source: Source
) -> None:
    sender.on("before-call.s3.CompleteMultipartUpload", lambda **_: refusal("PreconditionFailed"))
    count(sender, ABORT)
    assert keep(sender, source) == ["stored"]
    assert sender.calls["AbortMultipartUpload"] == 1
    assert deployment._s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_a_source_that_has_changed_stores_nothing(
    deployment: Deployment, sender: Sender, source: Source
) -> None:
    status = HTTPStatus.PRECONDITION_FAILED
    sender.on("before-call.s3.UploadPartCopy", lambda **_: refusal("PreconditionFailed", status))
    assert keep(sender, source) == ["PROCESSING_FAILURE"]
    assert deployment.objects() == {}
    assert deployment.instances() == []


@pytest.mark.parametrize("code", ["NoSuchUpload", "ConditionalRequestConflict"])
def test_a_copy_that_somebody_else_ended_is_begun_again(
    deployment: Deployment, sender: Sender, source: Source, code: str
) -> None:
    answers = [refusal(code)]
    sender.on(
        "before-call.s3.CompleteMultipartUpload", lambda **_: answers.pop() if answers else None
    )
    count(sender, CREATE)
    assert keep(sender, source) == ["stored"]
    assert sender.calls["CreateMultipartUpload"] == 2
    assert list(deployment.objects().values()) == [CONTENT]


@pytest.mark.parametrize("fault", [refusal("AccessDenied"), ResponseParserError("not XML")])
def test_an_abort_that_fails_too_does_not_hide_why(
    sender: Sender, source: Source, fault: Answer | Exception
) -> None:
    def fails(**_: object) -> Answer:
        if isinstance(fault, Exception):
            raise fault
        return fault

    denied = refusal("AccessDenied", HTTPStatus.FORBIDDEN)
    sender.on("before-call.s3.UploadPartCopy", lambda **_: denied)
    sender.on("before-call.s3.AbortMultipartUpload", fails)
    assert keep(sender, source) == ["PROCESSING_FAILURE"]


def test_an_abort_that_is_denied_leaves_what_passes_temporary(
    sender: Sender, source: Source
) -> None:
    busy = refusal("SlowDown", HTTPStatus.SERVICE_UNAVAILABLE)
    sender.on("before-call.s3.UploadPartCopy", lambda **_: busy)
    sender.on("before-call.s3.AbortMultipartUpload", lambda **_: refusal("AccessDenied"))
    assert keep(sender, source) == ["OUT_OF_RESOURCES"]


def test_no_range_is_copied_after_the_deadline(sender: Sender, source: Source) -> None:
    class Over:
        def check(self) -> None:
            raise TimeoutError

    target = copies.Target(bucket=BUCKET, key="studies/one", content_type="application/dicom")
    count(sender, RANGE, ABORT)
    s3 = sender.archive._objects._copier
    assert s3
    with pytest.raises(TimeoutError):
        copies.copy(s3, source, memoryview(CONTENT), target, Over())  # type: ignore[arg-type] # all that is asked
    assert (sender.calls["UploadPartCopy"], sender.calls["AbortMultipartUpload"]) == (0, 1)

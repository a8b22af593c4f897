"""Nothing overwrites an instance: only what has the condition passes the bucket's policy."""

from typing import Any, cast

import pytest
from botocore.awsrequest import AWSPreparedRequest

from archive import objects
from archive.errors import ArchiveError
from archive.staging import StagedBody
from tests.archive.deployment import BUCKET, PROVENANCE, Deployment, Sender, instance
from tests.intercepted_s3 import InterceptedS3
from tests.template.bucket_policy import Write, denied_by, write

KEY = "studies/1.2/series/1.2.1/instances/1.2.1.1/abc.dcm"
CONDITIONAL = {"if-none-match": "*"}
CREATING = ("PutObject", "CopyObject", "CompleteMultipartUpload")
PREPARING = ("CreateMultipartUpload", "UploadPart", "UploadPartCopy")


@pytest.mark.parametrize("operation", CREATING)
def test_no_object_below_studies_is_created_without_the_condition(operation: str) -> None:
    assert denied_by(Write(operation, KEY, {})) == ["OnlyNewInstances"]
    assert denied_by(Write(operation, KEY, {"if-match": '"etag"'})) == ["OnlyNewInstances"]
    assert denied_by(Write(operation, KEY, CONDITIONAL)) == []


@pytest.mark.parametrize("operation", PREPARING)
def test_parts_cannot_have_the_condition_and_need_none(operation: str) -> None:
    assert denied_by(Write(operation, KEY, {})) == []


@pytest.mark.parametrize("key", ["staging/one", "answers/one", "other"])
def test_what_is_not_an_instance_may_be_overwritten(key: str) -> None:
    assert denied_by(Write("PutObject", key, {})) == []


def test_without_tls_nothing_is_written() -> None:
    assert denied_by(Write("PutObject", KEY, CONDITIONAL, secure=False)) == ["OnlyOverTLS"]


def test_an_instance_that_is_put_passes_the_policy(sender: Sender, s3: InterceptedS3) -> None:
    s3.requests.clear()
    assert sender.outcomes(instance(1, b"abc")) == ["stored"]

    (put,) = s3.requests
    sent = write(put.method, put.path, put.headers)
    assert (sent.operation, sent.key[:12]) == ("PutObject", "studies/1.2/")
    assert denied_by(sent) == []


def test_an_instance_that_is_copied_passes_the_policy(
    sender: Sender, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "SMALLEST_COPY_BYTES", 3)
    staged = deployment._s3.put_object(Bucket=BUCKET, Key="staging/one", Body=b"abc")
    source = StagedBody(key="staging/one", size=3, etag=staged["ETag"]).source(0)
    sent: list[Write] = []

    def note(request: AWSPreparedRequest, **_: object) -> None:
        path = "/" + request.url.split("/", 3)[3]
        path = path if path.startswith(f"/{BUCKET}/") else f"/{BUCKET}{path}"
        headers = {
            name: bytes(value).decode() if isinstance(value, bytes) else str(value)
            for name, value in cast("Any", request.headers).items()
        }
        sent.append(write(str(request.method), path, headers))

    for operation in (*CREATING, *PREPARING):
        sender.on(f"before-send.s3.{operation}", note)
    (kept,) = sender.archive.keep(
        [instance(1, b"abc")], seconds=20, provenance=PROVENANCE, sources=[source]
    )

    assert not isinstance(kept, ArchiveError)
    assert [each.operation for each in sent] == [
        "CreateMultipartUpload",
        "UploadPartCopy",
        "CompleteMultipartUpload",
    ]
    assert all(each.key.startswith("studies/1.2/") for each in sent)
    assert [denied_by(each) for each in sent] == [[], [], []]
    assert denied_by(Write("CompleteMultipartUpload", sent[-1].key, {})) == ["OnlyNewInstances"]

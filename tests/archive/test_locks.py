"""With Object Lock, each instance is locked by the request that stores it, and nothing else is."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from archive import objects
from archive.archive import Archive
from archive.copies import Source
from archive.entries import DuplicatePolicy
from archive.errors import ArchiveError
from archive.locks import Retention
from archive.staging import StagedBody, Staging
from dicomweb.instances import SOPInstance
from tests.archive.deployment import PROVENANCE, TABLE, Deployment, instance
from tests.intercepted_s3 import InterceptedS3
from tests.template.bucket_policy import denied_by, write

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

LOCKED = "planted-locked-bucket"
DAYS = 365


@pytest.fixture
def archive(deployment: Deployment) -> Archive:
    """An archive whose bucket has Object Lock, as the template makes it: without a default."""
    deployment._s3.create_bucket(Bucket=LOCKED, ObjectLockEnabledForBucket=True)
    return Archive(
        bucket=LOCKED,
        table=TABLE,
        duplicate_policy=DuplicatePolicy.REJECT,
        seconds_to_copy=6,
        retention=Retention(mode="COMPLIANCE", days=DAYS),
    )


def outcomes(archive: Archive, one: SOPInstance, source: Source | None = None) -> list[str]:
    kept = archive.keep([one], seconds=20, provenance=PROVENANCE, sources=[source])
    return [each.reason.name if isinstance(each, ArchiveError) else "stored" for each in kept]


def only_object(deployment: Deployment) -> "GetObjectOutputTypeDef":
    listed = deployment._s3.list_objects_v2(Bucket=LOCKED, Prefix="studies/")
    (found,) = listed["Contents"]
    return deployment._s3.get_object(Bucket=LOCKED, Key=found["Key"])


def check_lock(stored: "GetObjectOutputTypeDef") -> None:
    assert stored["ObjectLockMode"] == "COMPLIANCE"
    until = stored["ObjectLockRetainUntilDate"] - datetime.now(UTC)
    assert timedelta(days=DAYS - 1) < until <= timedelta(days=DAYS)


def test_an_instance_is_locked_when_it_is_put(archive: Archive, deployment: Deployment) -> None:
    assert outcomes(archive, instance(1, b"abc")) == ["stored"]

    stored = only_object(deployment)
    assert stored["Body"].read() == b"abc"
    assert stored["ContentType"] == "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
    check_lock(stored)


def test_the_request_has_the_checksum_that_s3_requires_for_a_lock(
    archive: Archive, s3: InterceptedS3
) -> None:
    s3.requests.clear()
    outcomes(archive, instance(1, b"abc"))

    (put,) = [each for each in s3.requests if each.method == "PUT"]
    digest = base64.b64encode(hashlib.sha256(b"abc").digest()).decode()
    assert put.headers["x-amz-checksum-sha256"] == digest
    assert put.headers["x-amz-object-lock-mode"] == "COMPLIANCE"
    assert denied_by(write(put.method, put.path, put.headers)) == []


def test_an_instance_that_is_copied_is_locked_too(
    archive: Archive, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "SMALLEST_COPY_BYTES", 3)
    staged = deployment._s3.put_object(Bucket=LOCKED, Key="staging/one", Body=b"abc")
    source = StagedBody(key="staging/one", size=3, etag=staged["ETag"]).source(0)
    begun: list[dict[str, str]] = []
    copier = archive._objects._copier
    assert copier
    copier.meta.events.register(
        "before-call.s3.CreateMultipartUpload",
        lambda params, **_: begun.append(params["headers"]),
    )
    assert outcomes(archive, instance(1, b"abc"), source) == ["stored"]

    # moto does not lock what is completed, so the request has to tell.
    (headers,) = begun
    assert headers["x-amz-object-lock-mode"] == "COMPLIANCE"
    until = datetime.fromisoformat(headers["x-amz-object-lock-retain-until-date"])
    assert timedelta(days=DAYS - 1) < until - datetime.now(UTC) <= timedelta(days=DAYS)


def test_an_instance_that_is_there_is_not_put_again(
    archive: Archive, deployment: Deployment
) -> None:
    one = instance(1, b"abc")
    assert outcomes(archive, one) == ["stored"]
    deployment._dynamodb.delete_item(
        TableName=TABLE,
        Key={"StudyInstanceUID": {"S": "1.2"}, "Resource": {"S": "instances/1.2.1/1.2.1.1"}},
    )
    before = only_object(deployment)
    assert outcomes(archive, one) == ["stored"]
    after = only_object(deployment)
    assert after["ObjectLockRetainUntilDate"] == before["ObjectLockRetainUntilDate"]


@pytest.mark.usefixtures("no_pause")
def test_a_write_that_meets_another_one_is_tried_again(archive: Archive, s3: InterceptedS3) -> None:
    s3.refuse(HTTPStatus.CONFLICT, "ConditionalRequestConflict", only="studies/", times=1)
    assert outcomes(archive, instance(1, b"abc")) == ["stored"]


def test_a_refusal_of_the_lock_is_the_outcome_of_the_instance(
    archive: Archive, s3: InterceptedS3, deployment: Deployment
) -> None:
    s3.refuse(HTTPStatus.FORBIDDEN, "AccessDenied", only="studies/")
    assert outcomes(archive, instance(1, b"abc")) != ["stored"]
    assert deployment.instances() == []


def test_a_locked_instance_cannot_be_deleted_but_a_staged_body_can(
    archive: Archive, deployment: Deployment
) -> None:
    outcomes(archive, instance(1, b"abc"))
    (found,) = deployment._s3.list_object_versions(Bucket=LOCKED)["Versions"]
    with pytest.raises(ClientError, match="AccessDenied"):
        deployment._s3.delete_object(Bucket=LOCKED, Key=found["Key"], VersionId=found["VersionId"])
    staged = deployment._s3.put_object(Bucket=LOCKED, Key="staging/one", Body=b"abc")
    body = StagedBody(key="staging/one", size=3, etag=staged["ETag"], version=staged["VersionId"])
    Staging(LOCKED).delete(body)
    versions = deployment._s3.list_object_versions(Bucket=LOCKED, Prefix="staging/")
    assert "Versions" not in versions

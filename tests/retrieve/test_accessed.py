"""Who retrieved what is in the audit trail before the answer is sent."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from lxml import etree

import retrieve.accessed
import retrieve.settings
from archive.auditlog import AuditLog
from tests.builders import instance, series_uid, sop_uid, study_uid
from tests.dicomweb.audit.test_messages import attributes, event, objects, read, roles
from tests.retrieve.conftest import Get, Keep
from tests.store.deployment import Deployment

TRAIL, SOURCE = "planted-trail", "planted-stack"
STUDY = study_uid(15)
UIDS = (STUDY, series_uid(15), sop_uid(15, 1, 151))
WRAPPED = {"Accept": 'multipart/related; type="application/dicom"'}


class Trail:
    """The audit trail of a retrieve function that has one."""

    def __init__(self, logs: Any) -> None:  # noqa: ANN401 - a client of boto3
        self._logs = logs
        logs.create_log_group(logGroupName=TRAIL)

    def messages(self) -> list[etree._Element]:
        found = self._logs.filter_log_events(logGroupName=TRAIL)["events"]
        return [read(each["message"]) for each in found]

    def delete(self) -> None:
        self._logs.delete_log_group(logGroupName=TRAIL)


@pytest.fixture(scope="module")
def stored(keep: Keep) -> None:
    keep(instance(15, number=151), instance(15, number=152))


@pytest.fixture
def trail(
    deployment: Deployment, endpoint: str, stored: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Trail]:
    del deployment, stored
    monkeypatch.setenv("AUDIT_TRAIL", TRAIL)
    monkeypatch.setenv("AUDIT_SOURCE", SOURCE)
    caches = (retrieve.settings.settings, retrieve.accessed.trail)
    for cached in caches:
        cached.cache_clear()
    trail = Trail(boto3.client("logs", endpoint_url=endpoint))
    yield trail
    trail.delete()
    for cached in caches:
        cached.cache_clear()


@pytest.mark.parametrize(
    ("headers", "status"), [({"Accept": "application/dicom"}, 303), (WRAPPED, 200)]
)
def test_a_message_says_who_retrieved_what_of_which_patient_and_from_where(
    trail: Trail, get: Get, headers: dict[str, str], status: int
) -> None:
    assert get(*UIDS, headers=headers).status == status
    (root,) = trail.messages()
    assert event(root) == ("110103", "DCM", "DICOM Instances Accessed", "R", "0")
    assert objects(root) == [("2", "3", STUDY, "110180"), ("1", "1", "PLANTED15", "2")]
    assert roles(root)[1] == (SOURCE, "false", None)
    (reader, _) = attributes(root, "ActiveParticipant")
    assert reader == {
        "UserID": "anonymous",
        "UserIsRequestor": "true",
        "NetworkAccessPointID": "192.0.2.7",
        "NetworkAccessPointTypeCode": "2",
    }


def test_a_study_is_one_message_with_the_number_of_its_instances(trail: Trail, get: Get) -> None:
    assert get(STUDY, headers=WRAPPED).status == 200
    (root,) = trail.messages()
    assert [each["NumberOfInstances"] for each in attributes(root, ".//SOPClass")] == ["2"]


@pytest.mark.parametrize(
    ("uids", "headers", "status"),
    [
        ((STUDY, series_uid(15), sop_uid(15, 1, 999)), WRAPPED, 404),
        (UIDS, {"Accept": "image/png"}, 406),
        (UIDS, {"Accept": "*/*", "If-None-Match": "*"}, 304),
    ],
)
def test_who_is_given_nothing_is_not_in_the_trail(
    trail: Trail, get: Get, uids: tuple[str, ...], headers: dict[str, str], status: int
) -> None:
    assert get(*uids, headers=headers).status == status
    assert trail.messages() == []


def test_who_is_given_the_metadata_is_in_the_trail(trail: Trail, get: Get) -> None:
    reply = get(*UIDS, below="/metadata", headers={"Accept": "application/dicom+json"})
    assert reply.status == 200
    (root,) = trail.messages()
    assert event(root)[:3] == ("110103", "DCM", "DICOM Instances Accessed")


def test_head_is_given_no_instance(trail: Trail, get: Get) -> None:
    assert get(*UIDS, method="HEAD").status == 303
    assert trail.messages() == []


@pytest.mark.parametrize(
    ("code", "headers"),
    [("AccessDeniedException", {"Accept": "*/*"}), ("ThrottlingException", WRAPPED)],
)
def test_nothing_is_given_if_the_trail_cannot_be_written(
    trail: Trail,
    get: Get,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    headers: dict[str, str],
) -> None:
    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "PLANTED15"}}, "PutLogEvents")

    monkeypatch.setattr(AuditLog, "write", refuse)
    reply = get(*UIDS, headers=headers)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
    assert "Location" not in reply.headers
    assert trail.messages() == []
    assert "PLANTED15" not in reply.body


def test_without_a_trail_nothing_is_written(
    trail: Trail, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIT_TRAIL", "")
    retrieve.settings.settings.cache_clear()
    assert get(*UIDS).status == 303
    assert trail.messages() == []

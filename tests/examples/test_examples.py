"""The examples do what they say with the events that their rules match."""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.error import HTTPError

import boto3
import pytest
from moto import mock_aws
from moto.events.models import EventPattern

from archive.buses import Event
from dicomweb.payloads import read_parts
from examples.functions import forward, imagingstudy, started
from local.intrinsics import parse
from notify.events import instances_stored, study_quiet
from notify.records import batches
from notify.studies import Series, Study
from tests.local.test_bus import Webhook
from tests.notify.deployment import BUCKET, at
from tests.notify.test_events import COMMIT, delivered
from tests.statement.pages import ROOT

TEMPLATE = parse((ROOT / "examples" / "template.yaml").read_text("utf-8"))
UID = "1.2.826.0.1.3680043.8.498.15"
ATTRIBUTES = {
    "PatientID": "4711",
    "AccessionNumber": "A1",
    "StudyDate": "20261128",
    "StudyDescription": "Thorax",
}
STUDY = Study(
    study_instance_uid=UID,
    stored=at(0),
    instances=3,
    series={f"{UID}.1": Series("CT", 2), f"{UID}.2": Series("", 1)},
)


def as_delivered(event: Event) -> dict[str, Any]:
    return delivered(event.detail_type, event.detail)


STORED = as_delivered(instances_stored(batches([COMMIT])[0], BUCKET, {})[0])
QUIET = as_delivered(study_quiet(STUDY, 60, BUCKET, ATTRIBUTES))


def matches(function: str, event: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether the one rule of a function, for the bucket of the tests, matches an event."""
    (rule,) = TEMPLATE["Resources"][function]["Properties"]["Events"].values()
    found: dict[str, Any] = {**rule["Properties"]["Pattern"]}
    found["detail"] = {**found["detail"], "bucket": [BUCKET]}
    assert rule["Properties"]["Pattern"]["detail"]["bucket"] == [{"Ref": "ArchiveBucketName"}]
    assert "DeadLetterConfig" in rule["Properties"]
    return EventPattern(None, found).matches_event(event)


@pytest.mark.parametrize(
    ("function", "stored", "quiet"),
    [
        ("StartedFunction", False, True),
        ("ImagingStudyFunction", False, True),
        ("ForwardFunction", True, False),
    ],
)
def test_a_rule_matches_its_events(function: str, stored: bool, quiet: bool) -> None:
    assert (matches(function, STORED), matches(function, QUIET)) == (stored, quiet)
    assert not matches(function, {**STORED, "detail": {**STORED["detail"], "bucket": "another"}})


def test_what_was_made_again_from_the_bucket_is_not_sent_on() -> None:
    request = {**STORED["detail"]["request"], "way": "rebuild"}
    again = {**STORED, "detail": {**STORED["detail"], "request": request}}
    assert not matches("ForwardFunction", again)


def test_an_event_that_comes_twice_starts_what_has_one_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for _ in range(2):
        started.lambda_handler(QUIET, None)
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert json.loads(first)["instances"] == 3
    assert UID not in first


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    yield server
    server.end()


def test_a_study_becomes_an_imaging_study(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FHIR_URL", f"{webhook.url}/")
    monkeypatch.setenv("FHIR_TOKEN", "secret")
    imagingstudy.lambda_handler(QUIET, None)
    ((headers, path, body),) = webhook.received
    assert path == f"PUT /events/ImagingStudy?identifier=urn%3Adicom%3Auid%7Curn%3Aoid%3A{UID}"
    assert headers["Content-Type"] == "application/fhir+json"
    assert headers["Authorization"] == "Bearer secret"
    dcm = "http://dicom.nema.org/resources/ontology/DCM"
    types = "http://terminology.hl7.org/CodeSystem/v2-0203"
    assert json.loads(body) == {
        "resourceType": "ImagingStudy",
        "identifier": [
            {"system": "urn:dicom:uid", "value": f"urn:oid:{UID}"},
            {"type": {"coding": [{"system": types, "code": "ACSN"}]}, "value": "A1"},
        ],
        "status": "available",
        "modality": [{"system": dcm, "code": "CT"}],
        "subject": {"type": "Patient", "identifier": {"value": "4711"}},
        "started": "2026-11-28",
        "description": "Thorax",
        "numberOfSeries": 2,
        "numberOfInstances": 3,
        "series": [
            {
                "uid": f"{UID}.1",
                "modality": {"system": dcm, "code": "CT"},
                "numberOfInstances": 2,
            },
            {
                "uid": f"{UID}.2",
                "modality": {"system": dcm, "code": "OT"},
                "numberOfInstances": 1,
            },
        ],
    }


def test_a_study_without_attributes_becomes_one_with_what_a_resource_has_to_have() -> None:
    event = as_delivered(study_quiet(STUDY, 60, BUCKET, {}))
    resource = imagingstudy.imaging_study(event["detail"])
    assert resource["subject"] == {"type": "Patient", "display": "unknown"}
    assert not {"started", "description"} & resource.keys()


def test_a_resource_that_is_not_taken_is_an_error(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FHIR_URL", webhook.url)
    webhook.statuses = [422]
    with pytest.raises(HTTPError) as raised:
        imagingstudy.lambda_handler(QUIET, None)
    raised.value.close()


@pytest.fixture
def event(monkeypatch: pytest.MonkeyPatch, webhook: Webhook) -> Iterator[dict[str, Any]]:
    """An event of two instances that are in S3."""
    monkeypatch.setenv("STOW_URL", webhook.url)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        instances = []
        for content in (b"one", b"--stowport\r\n" * 1000):
            key = f"studies/{UID}/{sha256(content).hexdigest()}.dcm"
            s3.put_object(Bucket=BUCKET, Key=key, Body=content)
            instances.append({"key": key, "size": len(content)})
        yield {"detail": {"bucket": BUCKET, "instances": instances}}


def test_instances_are_sent_on_byte_for_byte(
    webhook: Webhook, event: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOW_TOKEN", "secret")
    webhook.statuses = [200, 202]
    forward.lambda_handler(event, None)
    sent = []
    for headers, path, body in webhook.received:
        assert (path, headers["Authorization"]) == ("POST /events/studies", "Bearer secret")
        root_type, parts = read_parts(headers["Content-Type"], body)
        assert root_type == "application/dicom"
        sent += [bytes(part.content) for part in parts]
    assert sent == [b"one", b"--stowport\r\n" * 1000]


def test_an_instance_that_is_not_taken_makes_the_event_come_again_but_stops_no_other(
    webhook: Webhook, event: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    webhook.statuses = [409, 200]
    with pytest.raises(forward.NotTaken, match="found 409, expected 200 or 202"):
        forward.lambda_handler(event, None)
    assert len(webhook.received) == 2
    assert json.loads(capsys.readouterr().out) == {"forwarded": {"409": 1, "200": 1}}

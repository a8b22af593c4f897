"""What was stored and what was refused is in the audit trail: all of it, once or oftener."""

import base64
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from lxml import etree

import notify.audit
import notify.settings
from archive.auditlog import AuditLog
from archive.items import Provenance, Way
from notify.__main__ import main
from notify.audit import TryAgain
from tests.archive.deployment import PROVENANCE, SOP_CLASSES
from tests.dicomweb.audit.test_messages import attributes, event, objects, read, roles
from tests.notify.conftest import Invoke
from tests.notify.deployment import OTHER, TABLE, Notifying, at
from tests.notify.subscriptions import UNAUTHORIZED, line, subscription
from tests.store.lambdas import Context

TRAIL, SOURCE = "planted-trail", "planted-stack"
PATIENT = ["1", "1", "PLANTED-ID", "2"]


class Trail:
    """The audit trail, with the function that writes it."""

    def __init__(self, notifying: Notifying, session: boto3.session.Session) -> None:
        self.notifying = notifying
        self._logs: Any = session.client("logs")
        self._logs.create_log_group(logGroupName=TRAIL)

    def write(self, happened: dict[str, Any] | None = None) -> list[etree._Element]:
        """Call the function, by default with what is new in the stream; return the trail."""
        notify.audit.lambda_handler(happened or self.notifying.stream(), Context(30))
        return self.messages()

    def texts(self) -> list[str]:
        found = self._logs.filter_log_events(logGroupName=TRAIL)["events"]
        return [each["message"] for each in found]

    def messages(self) -> list[etree._Element]:
        return [read(text) for text in self.texts()]


def forget() -> None:
    notify.settings.audit_settings.cache_clear()
    for made in ("audit_log", "partitions", "failures"):
        getattr(notify.audit, made).cache_clear()


@pytest.fixture
def trail(
    notifying: Notifying, session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Trail]:
    monkeypatch.setattr("archive.auditlog.Session", lambda: session)
    monkeypatch.setenv("AUDIT_TRAIL", TRAIL)
    monkeypatch.setenv("AUDIT_SOURCE", SOURCE)
    monkeypatch.setenv("AUDIT_FAILURES_QUEUE", notifying.urls["untold"])
    forget()
    yield Trail(notifying, session)
    forget()


def details(root: etree._Element) -> dict[str, str]:
    return {
        each["type"]: base64.b64decode(each["value"]).decode()
        for each in attributes(root, ".//ParticipantObjectDetail")
    }


def test_a_message_says_who_stored_what_of_which_patient_and_when(trail: Trail) -> None:
    trail.notifying.commit(1, second=1)
    trail.notifying.commit(2, second=2)
    (root,) = trail.write()
    assert event(root) == ("110104", "DCM", "DICOM Instances Transferred", "C", "0")
    assert roles(root) == [(PROVENANCE.principal, "true", "110153"), (SOURCE, "false", "110152")]
    assert objects(root) == [("2", "3", "1.2", "110180"), tuple(PATIENT)]
    (ct,) = attributes(root, ".//SOPClass")
    assert ct == {"UID": SOP_CLASSES["CT"], "NumberOfInstances": "2"}
    assert attributes(root, "EventIdentification")[0]["EventDateTime"] == at(2)
    assert details(root) == {"Stowport request": f"post {PROVENANCE.request_id}"}


def test_there_is_a_message_for_each_study_and_request(trail: Trail) -> None:
    trail.notifying.commit(1)
    trail.notifying.commit(2, study="1.3")
    trail.notifying.commit(3, request=OTHER)
    trail.notifying.commit(4)
    found = trail.write()
    assert [(objects(root)[0][2], roles(root)[0][0]) for root in found] == [
        ("1.2", PROVENANCE.principal),
        ("1.3", PROVENANCE.principal),
        ("1.2", OTHER.principal),
    ]
    counts = [attributes(root, ".//SOPClass")[0]["NumberOfInstances"] for root in found]
    assert counts == ["2", "1", "1"]


def test_what_replaces_another_instance_is_an_update_and_has_a_message_of_its_own(
    trail: Trail,
) -> None:
    trail.notifying.commit(1)
    trail.write()
    trail.notifying.commit(1, b"other", request=OTHER, Version={"N": "1"})
    trail.notifying.commit(2, request=OTHER)
    assert [event(root)[3] for root in trail.write()] == ["C", "U", "C"]


def test_an_item_that_was_made_again_is_of_an_instance_that_was_held(trail: Trail) -> None:
    trail.notifying.commit(1, request=Provenance(Way.REBUILD, "2026-11-28T00:00:00", "operator"))
    (root,) = trail.write()
    assert (event(root)[3], roles(root)[0][0]) == ("R", "operator")


def test_the_sender_of_an_item_of_an_older_version_is_unknown(trail: Trail) -> None:
    trail.notifying.commit(1, request=None)
    (root,) = trail.write()
    assert roles(root)[0][0] == "unknown"
    assert details(root) == {}


def test_nothing_is_said_of_what_was_not_stored(trail: Trail) -> None:
    item = trail.notifying.commit(1)
    trail.write()
    trail.notifying.put({**item, "Rows": {"N": "17"}})
    trail.notifying.delete(item)
    assert len(trail.write()) == 1


def test_a_study_of_different_patients_says_so(trail: Trail) -> None:
    trail.notifying.commit(1)
    trail.notifying.put(
        {
            "StudyInstanceUID": {"S": "1.2"},
            "Resource": {"S": "study"},
            "PatientID": {"S": "PLANTED-ID"},
            "PatientName": {"S": "Planted^Name"},
            "AccessionNumber": {"S": "PLANTED-A"},
            "PatientsDiffer": {"BOOL": True},
        }
    )
    (root,) = trail.write()
    assert (
        details(root)["Patients differ"] == "The instances of this study have different patients."
    )
    assert root.findtext(".//ParticipantObjectName[.='Planted^Name']")
    assert attributes(root, ".//Accession") == [{"Number": "PLANTED-A"}]


def test_a_study_without_an_item_has_no_patient(trail: Trail) -> None:
    trail.notifying.commit(1)
    trail.notifying.delete({"StudyInstanceUID": {"S": "1.2"}, "Resource": {"S": "study"}})
    (root,) = trail.write()
    assert objects(root)[1] == ("1", "1", "<none>", "2")


def test_the_trail_can_be_written_again_from_the_index(
    trail: Trail, capsys: pytest.CaptureFixture[str]
) -> None:
    trail.notifying.commit(1)
    trail.notifying.commit(2, request=OTHER)
    trail.write()
    before = trail.texts()
    command = ["--bucket", "", "--table", TABLE, "--trail", TRAIL, "--source", SOURCE]
    assert main([*command, "--study", "1.2"]) == 0
    assert sorted(trail.texts()) == sorted(before * 2)
    assert capsys.readouterr().out.endswith("1.2: 2 instances, 2 audit messages\n")
    assert trail.notifying.events() == []


def test_a_refused_request_is_in_the_trail(trail: Trail) -> None:
    (root,) = trail.write(subscription(line(**UNAUTHORIZED)))
    assert event(root)[:3] == ("110114", "DCM", "User Authentication")


@pytest.mark.parametrize("code", ["AccessDeniedException", "ServiceUnavailableException"])
def test_a_trail_that_cannot_be_written_is_tried_again_and_nothing_is_lost(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, log: StringIO, code: str
) -> None:
    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "PLANTED"}}, "PutLogEvents")

    trail.notifying.commit(1)
    happened = trail.notifying.stream()
    with monkeypatch.context() as failing:
        failing.setattr(AuditLog, "write", refuse)
        with pytest.raises(TryAgain, match="ClientError") as raised:
            trail.write(happened)
    assert raised.value.__cause__ is None
    assert trail.texts() == []
    assert len(trail.write(happened)) == 1
    assert "PLANTED" not in log.getvalue()
    assert json.loads(log.getvalue())["message"] == "unforeseen"


def test_records_that_come_again_have_the_same_message_again(trail: Trail) -> None:
    trail.notifying.commit(1)
    happened = trail.notifying.stream()
    trail.write(happened)
    trail.write(happened)
    first, second = trail.texts()
    assert first == second


def test_an_item_that_cannot_be_read_is_put_aside_and_the_others_are_in_the_trail(
    trail: Trail,
) -> None:
    trail.notifying.commit(1)
    odd = trail.notifying.commit(2)
    trail.notifying.put({name: odd[name] for name in odd if name != "SOPClassUID"})
    happened = trail.notifying.stream()
    del happened["Records"][-1]["dynamodb"]["OldImage"]
    trail.notifying.commit(3)
    happened["Records"] += trail.notifying.stream()["Records"]
    (root,) = trail.write(happened)
    assert attributes(root, ".//SOPClass")[0]["NumberOfInstances"] == "3"
    assert trail.notifying.untold() == [
        {name: odd[name] for name in ("StudyInstanceUID", "Resource")}
    ]


def test_patients_are_in_the_trail_and_in_no_other_log(
    trail: Trail,
    invoke: Invoke,
    log: StringIO,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trail.notifying.commit(1)
    odd = trail.notifying.commit(2, SOPClassUID={"N": "17"})
    happened = trail.notifying.stream()
    trail.write(happened)
    invoke(happened)

    def fail(*_: object) -> None:
        raise ClientError({"Error": {"Message": "PLANTED-ID"}}, "PutLogEvents")

    monkeypatch.setattr(AuditLog, "write", fail)
    with pytest.raises(TryAgain) as raised:
        trail.write(happened)
    captured = capsys.readouterr()
    elsewhere = [log.getvalue(), captured.out, captured.err, str(raised.value)]
    elsewhere += [json.dumps(each) for each in (trail.notifying.events(), trail.notifying.untold())]
    assert "PLANTED-ID" in "".join(trail.texts())
    assert odd["Resource"]["S"] in elsewhere[-1]
    assert not [text for text in elsewhere if "PLANTED-ID" in text]

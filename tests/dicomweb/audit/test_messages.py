import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from dicomweb.audit.codes import Action
from dicomweb.audit.messages import (
    instances_accessed,
    instances_transferred,
    security_alert,
    user_authentication,
)
from dicomweb.audit.participants import Origin, Patient, Study, User

SCHEMA = etree.RelaxNG(etree.parse(str(Path(__file__).parent / "audit-message.rng")))
CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
ORIGIN = Origin("2026-11-28T20:21:50.123+00:00", "stowport-test")
STUDY = Study(
    study_instance_uid="1.2.3",
    instances={MR: 1, CT: 24},
    accession_number="A-17",
    details={"Request ID": "c6af9ac6-7b61"},
)
PATIENT = Patient(patient_id="PAT-1", patient_name="Müller^Jürgen=山田^太郎")
READER = User("1f0e3dad99908345", "192.0.2.7")

TRANSFERRED = instances_transferred(ORIGIN, Action.CREATE, READER.user_id, STUDY, PATIENT)
ACCESSED = instances_accessed(ORIGIN, READER, STUDY, PATIENT)
AUTHENTICATION = user_authentication(ORIGIN, READER.address)
ALERT = security_alert(ORIGIN, READER, "/studies/{study}", "POST was refused: ACCESS_DENIED")


def read(message: str) -> etree._Element:
    root = etree.fromstring(message)
    SCHEMA.assertValid(root)
    return root


def attributes(root: etree._Element, path: str) -> list[dict[str, str]]:
    return [{str(k): str(v) for k, v in found.attrib.items()} for found in root.iterfind(path)]


def event(root: etree._Element) -> tuple[str, ...]:
    (identification,) = attributes(root, "EventIdentification")
    (code,) = attributes(root, "EventIdentification/EventID")
    types = [each["csd-code"] for each in attributes(root, "EventIdentification/EventTypeCode")]
    return (
        code["csd-code"],
        code["codeSystemName"],
        code["originalText"],
        identification["EventActionCode"],
        identification["EventOutcomeIndicator"],
        *types,
    )


def roles(root: etree._Element) -> list[tuple[str | None, str | None, str | None]]:
    return [
        (
            each.get("UserID"),
            each.get("UserIsRequestor"),
            code.get("csd-code") if (code := each.find("RoleIDCode")) is not None else None,
        )
        for each in root.iterfind("ActiveParticipant")
    ]


def objects(root: etree._Element) -> list[tuple[str | None, ...]]:
    found = []
    for each in root.iterfind("ParticipantObjectIdentification"):
        code = each.find("ParticipantObjectIDTypeCode")
        assert code is not None
        names = ("TypeCode", "TypeCodeRole", "ID")
        found.append(
            (*(each.get(f"ParticipantObject{name}") for name in names), code.get("csd-code"))
        )
    return found


@pytest.mark.parametrize("message", [TRANSFERRED, ACCESSED, AUTHENTICATION, ALERT])
def test_every_message_is_valid_by_the_schema_and_names_its_time_and_its_source(
    message: str,
) -> None:
    root = read(message)
    (identification,) = attributes(root, "EventIdentification")
    assert identification["EventDateTime"] == ORIGIN.time
    assert attributes(root, "AuditSourceIdentification") == [{"AuditSourceID": ORIGIN.source}]
    assert attributes(root, "AuditSourceIdentification/AuditSourceTypeCode") == [{"csd-code": "4"}]


def test_the_schema_refuses_a_message_without_what_it_demands() -> None:
    root = etree.fromstring(TRANSFERRED)
    (name, _) = root.iterfind("ParticipantObjectIdentification/ParticipantObjectName")
    parent = name.getparent()
    assert parent is not None
    parent.remove(name)
    assert not SCHEMA.validate(root)


def test_transferred_has_source_and_destination_study_and_patient() -> None:
    root = read(TRANSFERRED)
    assert event(root) == ("110104", "DCM", "DICOM Instances Transferred", "C", "0")
    assert roles(root) == [
        (READER.user_id, "true", "110153"),
        (ORIGIN.source, "false", "110152"),
    ]
    assert objects(root) == [("2", "3", "1.2.3", "110180"), ("1", "1", "PAT-1", "2")]
    names = [each.text for each in root.iter("ParticipantObjectName")]
    assert names == [None, PATIENT.patient_name]


def test_a_study_has_its_sop_classes_with_counts_its_accession_and_its_details() -> None:
    root = read(TRANSFERRED)
    assert attributes(root, ".//SOPClass") == [
        {"UID": CT, "NumberOfInstances": "24"},
        {"UID": MR, "NumberOfInstances": "1"},
    ]
    assert attributes(root, ".//Accession") == [{"Number": "A-17"}]
    (detail,) = attributes(root, ".//ParticipantObjectDetail")
    assert detail["type"] == "Request ID"
    assert base64.b64decode(detail["value"]) == b"c6af9ac6-7b61"


@pytest.mark.parametrize("action", [Action.CREATE, Action.READ, Action.UPDATE])
def test_transferred_says_whether_the_instances_were_held_before(action: Action) -> None:
    message = instances_transferred(ORIGIN, action, "someone", STUDY, PATIENT)
    assert event(read(message))[3] == action


def test_accessed_has_who_read_and_from_where() -> None:
    root = read(ACCESSED)
    assert event(root) == ("110103", "DCM", "DICOM Instances Accessed", "R", "0")
    assert roles(root) == [(READER.user_id, "true", None), (ORIGIN.source, "false", None)]
    (reader, _) = attributes(root, "ActiveParticipant")
    assert (reader["NetworkAccessPointID"], reader["NetworkAccessPointTypeCode"]) == (
        READER.address,
        "2",
    )
    assert objects(root) == [("2", "3", "1.2.3", "110180"), ("1", "1", "PAT-1", "2")]


def test_user_authentication_is_a_login_that_failed_and_has_no_object() -> None:
    root = read(AUTHENTICATION)
    assert event(root) == ("110114", "DCM", "User Authentication", "E", "4", "110122")
    assert roles(root) == [(READER.address, "true", None), (ORIGIN.source, "false", None)]
    assert objects(root) == []
    assert root.findtext(".//EventOutcomeDescription") == "There was no valid bearer token."


def test_a_security_alert_has_the_resource_and_says_what_was_refused() -> None:
    root = read(ALERT)
    assert event(root) == ("110113", "DCM", "Security Alert", "E", "8", "110132")
    assert roles(root) == [(ORIGIN.source, "false", None), (READER.user_id, "false", None)]
    assert objects(root) == [("2", "13", "/studies/{study}", "12")]
    (detail,) = attributes(root, ".//ParticipantObjectDetail")
    assert detail["type"] == "Alert Description"
    assert base64.b64decode(detail["value"]) == b"POST was refused: ACCESS_DENIED"


def test_a_patient_who_is_not_known_has_the_id_none_as_in_dcm4chee_arc() -> None:
    message = instances_transferred(ORIGIN, Action.CREATE, "someone", STUDY, Patient())
    assert objects(read(message))[1] == ("1", "1", "<none>", "2")


@given(text=st.text(st.characters(codec=None)), count=st.integers(1, 1000))
def test_any_text_gives_a_valid_message_on_one_line(text: str, count: int) -> None:
    study = Study(
        study_instance_uid=text,
        instances={text: count},
        accession_number=text,
        details={"Request ID": text},
    )
    patient = Patient(patient_id=text, patient_name=text)
    origin, user = Origin(ORIGIN.time, text), User(text, text)
    for message in (
        instances_transferred(origin, Action.CREATE, text, study, patient),
        instances_accessed(origin, user, study, patient),
        user_authentication(origin, text),
        security_alert(origin, user, text, text),
    ):
        read(message)
        assert "\n" not in message
        assert "\r" not in message

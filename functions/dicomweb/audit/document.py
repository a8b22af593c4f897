"""An audit message as a document of PS3.15 A.5.1, on one line."""

import re
from base64 import b64encode

from lxml import etree

from dicomweb.audit.codes import PATIENT_NUMBER, STUDY_INSTANCE_UID, Action, Code, Outcome
from dicomweb.audit.participants import NO_PATIENT_ID, Origin, Participant, Patient, Study

_IP_ADDRESS = "2"
_APPLICATION_SERVER = "4"
_PERSON, _SYSTEM_OBJECT = "1", "2"
_PATIENT, _REPORT, _SECURITY_RESOURCE = "1", "3", "13"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPACES = re.compile("[\t\n\r ]+")


class Document:
    """The message of an event.

    The schema wants a name for each object, where PS3.15 A.5.2 does not; without one it is empty.
    """

    def __init__(self, event: Code, action: Action, origin: Origin, outcome: Outcome) -> None:
        self._source = origin.source
        self._root = etree.Element("AuditMessage")
        self._event = etree.SubElement(
            self._root,
            "EventIdentification",
            EventActionCode=action,
            EventDateTime=origin.time,
            EventOutcomeIndicator=outcome,
        )
        _code(self._event, "EventID", event)

    def add_type(self, code: Code) -> None:
        """Say which kind of event of its family it is."""
        _code(self._event, "EventTypeCode", code)

    def add_description(self, text: str) -> None:
        """Say in words how the event ended."""
        etree.SubElement(self._event, "EventOutcomeDescription").text = _clean(text)

    def add_participants(self, *participants: Participant) -> None:
        """Add who takes part, and then the system that reports it."""
        for each in participants:
            element = etree.SubElement(self._root, "ActiveParticipant")
            element.set("UserID", _clean(each.user_id))
            element.set("UserIsRequestor", str(each.is_requestor).lower())
            if each.address:
                element.set("NetworkAccessPointID", _clean(each.address))
                element.set("NetworkAccessPointTypeCode", _IP_ADDRESS)
            if each.role:
                _code(element, "RoleIDCode", each.role)
        reporter = etree.SubElement(
            self._root, "AuditSourceIdentification", AuditSourceID=_clean(self._source)
        )
        etree.SubElement(reporter, "AuditSourceTypeCode", attrib={"csd-code": _APPLICATION_SERVER})

    def add_study(self, study: Study) -> None:
        """Add a study with its SOP classes and the number of instances of each."""
        element = self._object(
            STUDY_INSTANCE_UID, study.study_instance_uid, _SYSTEM_OBJECT, _REPORT
        )
        for name, value in study.details.items():
            _detail(element, name, value)
        description = etree.SubElement(element, "ParticipantObjectDescription")
        if study.accession_number:
            etree.SubElement(description, "Accession", Number=_clean(study.accession_number))
        for sop_class_uid, number in sorted(study.instances.items()):
            etree.SubElement(
                description,
                "SOPClass",
                UID=_clean(sop_class_uid),
                NumberOfInstances=str(number),
            )

    def add_patient(self, patient: Patient) -> None:
        """Add the patient, of whom a message has only one."""
        number = patient.patient_id or NO_PATIENT_ID
        self._object(PATIENT_NUMBER, number, _PERSON, _PATIENT, patient.patient_name)

    def add_resource(self, kind: Code, identifier: str, description: str) -> None:
        """Add the resource that an alert is about, and what the alert says."""
        element = self._object(kind, identifier, _SYSTEM_OBJECT, _SECURITY_RESOURCE)
        _detail(element, "Alert Description", description)

    def _object(
        self, kind: Code, identifier: str, object_type: str, role: str, name: str = ""
    ) -> etree._Element:
        element = etree.SubElement(
            self._root,
            "ParticipantObjectIdentification",
            ParticipantObjectID=_clean(identifier),
            ParticipantObjectTypeCode=object_type,
            ParticipantObjectTypeCodeRole=role,
        )
        _code(element, "ParticipantObjectIDTypeCode", kind)
        etree.SubElement(element, "ParticipantObjectName").text = _clean(name)
        return element

    def encode(self) -> str:
        """Return the document as text without a line break."""
        return etree.tostring(self._root, encoding="unicode")


def _code(parent: etree._Element, name: str, code: Code) -> None:
    element = etree.SubElement(parent, name)
    element.set("csd-code", code.value)
    element.set("codeSystemName", code.system)
    element.set("originalText", code.meaning)


def _detail(parent: etree._Element, name: str, value: str) -> None:
    encoded = b64encode(value.encode(errors="replace")).decode()
    etree.SubElement(parent, "ParticipantObjectDetail", type=name, value=encoded)


def _clean(text: str) -> str:
    """Return ``text`` as a token, with a mark for each character that XML cannot hold."""
    return _SPACES.sub(" ", _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)).strip(" ")

"""Who and what takes part in an audited event.

They are what the messages of PS3.15 A.5.3 need of A.5.2, and no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dicomweb.audit.codes import Code

NO_PATIENT_ID = "<none>"
"""The Patient ID of a patient who has none, as dcm4chee-arc writes it."""


class Origin(NamedTuple):
    """When an event happened, in ISO 8601 with time zone, and the name of what reports it."""

    time: str
    source: str


class User(NamedTuple):
    """Who asked, as the access log names it, and from which IP address."""

    user_id: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """A person or process that takes part.

    ``user_id`` is what the other logs call it (PS3.15 A.5.2.1), and ``address`` is an IP address,
    if known.
    """

    user_id: str
    is_requestor: bool
    role: Code | None = None
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study, of which ``instances`` instances of each SOP class took part.

    ``details`` are ours, by type: what finds the request in the other logs.
    """

    study_instance_uid: str
    instances: Mapping[str, int]
    accession_number: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """The patient; both are empty if they are not known."""

    patient_id: str = ""
    patient_name: str = ""

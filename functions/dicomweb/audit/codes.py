"""The codes of audit messages (PS3.15 A.5.1, A.5.3)."""

from enum import StrEnum
from typing import NamedTuple

_DCM = "DCM"
_RFC_3881 = "RFC-3881"


class Code(NamedTuple):
    """A coded value: ``csd-code``, ``codeSystemName`` and ``originalText``."""

    value: str
    system: str
    meaning: str


class Action(StrEnum):
    """What was done: the Event Action Code (PS3.15 A.5.2)."""

    CREATE = "C"
    READ = "R"
    UPDATE = "U"
    EXECUTE = "E"


class Outcome(StrEnum):
    """How it ended: the Event Outcome Indicator (PS3.15 A.5.2)."""

    SUCCESS = "0"
    MINOR_FAILURE = "4"
    """It may be tried again, for instance with another token."""
    SERIOUS_FAILURE = "8"
    """It was stopped."""


INSTANCES_ACCESSED = Code("110103", _DCM, "DICOM Instances Accessed")
INSTANCES_TRANSFERRED = Code("110104", _DCM, "DICOM Instances Transferred")
SECURITY_ALERT = Code("110113", _DCM, "Security Alert")
USER_AUTHENTICATION = Code("110114", _DCM, "User Authentication")

LOGIN = Code("110122", _DCM, "Login")
USE_OF_RESTRICTED_FUNCTION = Code("110132", _DCM, "Use of Restricted Function")

DESTINATION = Code("110152", _DCM, "Destination Role ID")
SOURCE = Code("110153", _DCM, "Source Role ID")

STUDY_INSTANCE_UID = Code("110180", _DCM, "Study Instance UID")
PATIENT_NUMBER = Code("2", _RFC_3881, "Patient Number")
URI = Code("12", _RFC_3881, "URI")

"""The codes that say why an instance was not stored, or what was noticed about a stored one.

PS3.18 Annex I.2 gives the ranges and lets a service add codes if its conformance statement
names them. The codes added here are those of PS3.7 Annex C, and A922 and C409 of dcm4chee-arc,
whose conformance statement this service follows. ``docs/conformance.md`` lists each code and the
condition that leads to it.
"""

from enum import IntEnum


class FailureReason(IntEnum):
    """Failure Reason (0008,1197), US. PS3.18 Table I.2-2."""

    PROCESSING_FAILURE = 0x0110
    DUPLICATE_SOP_INSTANCE = 0x0111
    INVALID_OBJECT_INSTANCE = 0x0117
    MISSING_ATTRIBUTE = 0x0120
    MISSING_ATTRIBUTE_VALUE = 0x0121
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    OUT_OF_RESOURCES = 0xA700
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS = 0xA900
    MISSING_BULK_DATA = 0xA922
    CANNOT_UNDERSTAND = 0xC000
    TRANSFER_SYNTAX_NOT_SUPPORTED = 0xC122
    STUDY_INSTANCE_UID_MISMATCH = 0xC409


class WarningReason(IntEnum):
    """Warning Reason (0008,1196), US. PS3.18 Table I.2-1."""

    COERCION_OF_DATA_ELEMENTS = 0xB000
    ELEMENTS_DISCARDED = 0xB006
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS = 0xB007

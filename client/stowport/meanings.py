"""What Failure Reasons and Warning Reasons mean, for answers that give no more than a code.

The words follow PS3.18 Annex I.2, PS3.7 Annex C, and the conformance statements of servers that
have codes of their own.
"""

_MEANINGS = {
    0x0106: "an attribute has an invalid value",
    0x0110: "the server could not process the instance",
    0x0111: "an instance with this SOP Instance UID is stored already",
    0x0112: "the server does not have this SOP Instance",
    0x0117: "the instance is invalid: a UID breaks the rules for UIDs",
    0x0118: "the server does not know the SOP Class",
    0x0119: "the SOP Class is not that of the stored instance",
    0x0120: "an attribute is missing",
    0x0121: "an attribute has no value",
    0x0122: "the server does not support the SOP Class",
    0x0124: "the server does not allow this sender to store the instance",
    0x0213: "the server is out of resources",
    0xA900: "the data set does not match the SOP Class, or its values are not valid",
    0xC122: "the server does not support the transfer syntax",
    0xB000: "the server changed attributes",
    0xB006: "the server left out attributes",
    0xB007: "the data set does not match the SOP Class",
}

_OF_AZURE = {
    0x0001: "the server found values that are not valid, and does not search for them",
    0xA901: "the study is not the one that the request was for",
    0xB00E: "an instance with these UIDs is stored already: delete it there to replace it",
    0xB00F: "another request is storing this instance, or failed halfway: send it again later, or"
    " delete it there first",
}
"""Of Azure Health Data Services, and of the DICOM server that Microsoft publishes."""

_OF_DCM4CHEE = {
    0xA770: "it is a rejection note that the server has already",
    0xA771: "the instance was rejected earlier",
    0xA772: "it rejects an instance that the server does not have",
    0xA773: "it rejects an instance of another SOP Class",
    0xA774: "it rejects an instance that was rejected already",
    0xA775: "this sender may not reject instances whose retention expired",
    0xA776: "it rejects an instance that has to be kept longer",
    0xA777: "the server expects a Patient ID",
    0xA778: "the Patient ID is not the one that the study has on the server",
    0xA779: "the patient's attributes are not those that the server has",
    0xA77A: "the server is deleting the study: send it again later",
    0xA77B: "series or study contradict what the server has under these UIDs",
    0xA922: "bulk data is missing",
    0xC409: "the study is not the one that the request was for",
    0xC499: "the server cannot read the instance as DICOM",
}

_RANGES = {
    0xA700: "the server is out of resources",
    0xA900: _MEANINGS[0xA900],
    0xC000: "the server cannot understand the instance",
}
"""Ranges of PS3.18 Table I.2-2, of 256 or 4,096 codes, by their first one."""


def meaning(reason: int) -> str:
    """Return our words for a reason, and the code itself if it has none."""
    for table in (_MEANINGS, _OF_AZURE, _OF_DCM4CHEE):
        if reason in table:
            return table[reason]
    for mask in (0xFF00, 0xF000):
        if reason & mask in _RANGES:
            return _RANGES[reason & mask]
    return f"the server gives the reason {reason:04X}, which the standard does not define"

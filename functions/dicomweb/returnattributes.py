"""The attributes that a search returns, by level (PS3.18 10.6.3.3): what the index keeps."""

Attribute = tuple[int, str, str]
"""Tag, keyword and VR."""

SPECIFIC_CHARACTER_SET = 0x00080005
REQUEST_ATTRIBUTES_SEQUENCE = 0x00400275

STUDY: tuple[Attribute, ...] = (
    (SPECIFIC_CHARACTER_SET, "SpecificCharacterSet", "CS"),
    (0x00080020, "StudyDate", "DA"),
    (0x00080030, "StudyTime", "TM"),
    (0x00080050, "AccessionNumber", "SH"),
    (0x00080090, "ReferringPhysicianName", "PN"),
    (0x00080201, "TimezoneOffsetFromUTC", "SH"),
    (0x00081030, "StudyDescription", "LO"),
    (0x00100010, "PatientName", "PN"),
    (0x00100020, "PatientID", "LO"),
    (0x00100021, "IssuerOfPatientID", "LO"),
    (0x00100030, "PatientBirthDate", "DA"),
    (0x00100040, "PatientSex", "CS"),
    (0x00200010, "StudyID", "SH"),
)
"""PS3.18 Table 10.6.3-3, Study Description, which every work list shows, and the ID's issuer."""

SERIES: tuple[Attribute, ...] = (
    (SPECIFIC_CHARACTER_SET, "SpecificCharacterSet", "CS"),
    (0x00080060, "Modality", "CS"),
    (0x00080201, "TimezoneOffsetFromUTC", "SH"),
    (0x0008103E, "SeriesDescription", "LO"),
    (0x00200011, "SeriesNumber", "IS"),
    (0x00400244, "PerformedProcedureStepStartDate", "DA"),
    (0x00400245, "PerformedProcedureStepStartTime", "TM"),
    (REQUEST_ATTRIBUTES_SEQUENCE, "RequestAttributesSequence", "SQ"),
)
"""PS3.18 Table 10.6.3-4."""

INSTANCE: tuple[Attribute, ...] = (
    (SPECIFIC_CHARACTER_SET, "SpecificCharacterSet", "CS"),
    (0x00080201, "TimezoneOffsetFromUTC", "SH"),
    (0x00200013, "InstanceNumber", "IS"),
    (0x00280008, "NumberOfFrames", "IS"),
    (0x00280010, "Rows", "US"),
    (0x00280011, "Columns", "US"),
    (0x00280100, "BitsAllocated", "US"),
)
"""PS3.18 Table 10.6.3-5."""

REQUEST: tuple[Attribute, ...] = (
    (0x00400009, "ScheduledProcedureStepID", "SH"),
    (0x00401001, "RequestedProcedureID", "SH"),
)
"""What is kept of an item of Request Attributes Sequence (PS3.18 Table 10.6.3-4)."""

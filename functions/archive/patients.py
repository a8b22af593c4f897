"""The patient of a study: all attributes of the patient come from one instance.

A name from one instance and an ID from another would describe a patient who does not exist.
"""

from typing import TYPE_CHECKING

from archive.items import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

PATIENT_ATTRIBUTES = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
)

PATIENTS_DIFFER: Item = {"PatientsDiffer": {"BOOL": True}}
"""The mark of a study for which an instance with another patient was sent."""


def patient_of(item: Item) -> Item:
    """Return the attributes of the patient in ``item``."""
    return {keyword: item[keyword] for keyword in PATIENT_ATTRIBUTES if keyword in item}


def beside_patient(item: Item) -> Item:
    """Return ``item`` without the attributes that this module handles."""
    decided = (*PATIENT_ATTRIBUTES, *PATIENTS_DIFFER)
    return {keyword: value for keyword, value in item.items() if keyword not in decided}


def differ(one: Item, other: Item) -> bool:
    """Tell whether two patients contradict each other: both have an attribute, with two values.

    Names are the same if they differ only in case (as in matching, PS3.4 C.2.2.2.1), in the
    delimiters at the end of a component group, which may be omitted (PS3.5 6.2.1), or in a group
    that one of them lacks.
    """
    return any(
        not _is_same_name(value, other[keyword])
        if keyword == "PatientName"
        else value != other[keyword]
        for keyword, value in one.items()
        if keyword in other
    )


def _is_same_name(one: "AttributeValueTypeDef", other: "AttributeValueTypeDef") -> bool:
    if "S" not in one or "S" not in other:  # several values, which a name should not have
        return one == other
    return all(
        mine == theirs or not mine or not theirs
        for mine, theirs in zip(_groups(one["S"]), _groups(other["S"]), strict=False)
    )


def _groups(name: str) -> list[str]:
    return [group.rstrip("^ ").casefold() for group in name.split("=")]

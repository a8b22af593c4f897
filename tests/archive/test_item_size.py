"""One write unit carries an item of 1 KB, so an instance item has to fit into it."""

from dataclasses import replace
from typing import Any

import pytest

from archive.items import instance_attributes
from dicomweb.attributes import IndexAttributes
from dicomweb.conformance import sop_class_groups, transfer_syntax_groups
from dicomweb.returnattributes import INSTANCE
from tests.archive.deployment import Deployment, Sender, instance

WRITE_UNIT = 1024


def size(item: dict[str, Any]) -> int:
    """The bytes of an item: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats"."""
    return sum(len(name.encode()) + size_of_value(value) for name, value in item.items())


def size_of_value(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(str(content).encode())
        case "N":
            digits = str(content).lstrip("-").strip("0")
            return (len(digits) + 1) // 2 + 1 + str(content).startswith("-")
        case "L":
            return 3 + sum(1 + size_of_value(each) for each in content)
    raise AssertionError(f"{kind} is in no instance item")


UID = "1.2.840.10008.5.1.4.1.1".ljust(64, "9")
CHARACTER_SETS = [f"ISO 2022 IR {number:04}" for number in range(15)]
"""One for each that PS3.3 C.12.1.1.2 has with code extensions, as long as the CS of PS3.5 6.2."""
SOP_CLASS, TRANSFER_SYNTAX = (
    max(sop_class_groups(), key=len),
    max(transfer_syntax_groups(), key=len),
)
"""The longest that any profile accepts; no other is stored."""

MAXIMAL: dict[str, Any] = {
    "SpecificCharacterSet": CHARACTER_SETS,
    "TimezoneOffsetFromUTC": "+1400",  # PS3.3 C.12.1.1.8: "&ZZXX"
    "InstanceNumber": "-2147483647.",
    "NumberOfFrames": 2**31 - 1,
    "Rows": 2**16 - 1,
    "Columns": 2**16 - 1,
    "BitsAllocated": 2**16 - 1,
}
"""The longest value of each attribute, by PS3.5 Table 6.2-1."""


def test_an_instance_item_of_maximal_values_fits_into_a_write_unit(
    sender: Sender, deployment: Deployment
) -> None:
    largest = replace(
        instance(),
        study_instance_uid=UID,
        series_instance_uid=UID,
        sop_instance_uid=UID,
        sop_class_uid=SOP_CLASS,
        transfer_syntax_uid=TRANSFER_SYNTAX,
        number_of_frames=2**31 - 1,
        attributes=IndexAttributes(
            study={"PatientName": "A"}, series={"Modality": "CT"}, instance=MAXIMAL
        ),
    )
    assert sender.outcomes(largest) == ["stored"]

    item = deployment.items(UID)[f"instances/{UID}/{UID}"]
    assert set(MAXIMAL) == {keyword for _, keyword, _ in INSTANCE} <= set(item)
    # What grows with the body and with each replacement.
    item |= {"Size": {"N": str(10 * 1024**3)}, "Version": {"N": "9" * 12}}
    assert size(item) <= WRITE_UNIT


def test_a_common_instance_takes_little_more_than_half_a_write_unit(
    sender: Sender, deployment: Deployment
) -> None:
    uid = "1.2.826.0.1.3680043.8.498.".ljust(64, "7")
    common = replace(
        instance(), study_instance_uid=uid, series_instance_uid=uid, sop_instance_uid=uid
    )
    assert sender.outcomes(common) == ["stored"]
    assert size(deployment.items(uid)[f"instances/{uid}/{uid}"]) < 0.6 * WRITE_UNIT


@pytest.mark.parametrize("said", ["bucket", "key", "series"])
def test_nothing_is_in_an_item_that_follows_from_its_key_or_from_the_deployment(
    sender: Sender, deployment: Deployment, said: str
) -> None:
    sender.outcomes(instance(7))
    item = deployment.items()["instances/1.2.1/1.2.1.7"]
    twice = {"bucket": "planted-bucket-name", "key": "/", "series": "1.2.1"}
    values = [str(value) for name, value in item.items() if name != "Resource"]
    values.remove(str(item["SOPInstanceUID"]))  # the key of an index has to be an attribute
    assert not [value for value in values if f"'{twice[said]}" in value]
    assert instance_attributes(instance(7)).items() <= item.items()

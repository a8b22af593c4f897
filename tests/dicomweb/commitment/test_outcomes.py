"""What the SOP class of an instance decides (PS3.3 C.14.1.1)."""

import pytest

from dicomweb.commitment.outcomes import CommitmentOutcome, judge
from dicomweb.conformance import StorageProfile

CT, MR, OTHER = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.3"


@pytest.mark.parametrize(
    ("asked", "stored", "outcome"),
    [
        (CT, [CT], "COMMITTED"),
        (CT, [CT, CT], "COMMITTED"),
        (OTHER, [OTHER], "COMMITTED"),
        (CT, [MR], "CLASS_INSTANCE_CONFLICT"),
        (CT, [CT, MR], "CLASS_INSTANCE_CONFLICT"),
        (OTHER, [CT], "CLASS_INSTANCE_CONFLICT"),
        (CT, [], "NO_SUCH_OBJECT_INSTANCE"),
        (OTHER, [], "REFERENCED_SOP_CLASS_NOT_SUPPORTED"),
    ],
)
def test_an_instance_is_judged_by_the_classes_that_are_stored(
    asked: str, stored: list[str], outcome: str
) -> None:
    assert judge(asked, stored, StorageProfile.CONFORMANCE).name == outcome


def test_the_reasons_are_those_of_the_standard() -> None:
    assert {each.name: f"{each:04X}" for each in CommitmentOutcome if each} == {
        "PROCESSING_FAILURE": "0110",
        "NO_SUCH_OBJECT_INSTANCE": "0112",
        "CLASS_INSTANCE_CONFLICT": "0119",
        "REFERENCED_SOP_CLASS_NOT_SUPPORTED": "0122",
        "DUPLICATE_TRANSACTION_UID": "0131",
        "RESOURCE_LIMITATION": "0213",
    }

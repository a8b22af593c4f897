"""An item that an older version has written, with the UIDs and the place of the bytes in it."""

import hashlib
from typing import Any

import pytest

from archive.entries import DuplicatePolicy
from archive.objects import key_of
from tests.archive.deployment import BUCKET, SOP_CLASSES, TABLE, Deployment, Sender, instance

KEY = {"StudyInstanceUID": {"S": "1.2"}, "Resource": {"S": "instances/1.2.1/1.2.1.7"}}
DIGEST = hashlib.sha256(b"abc").hexdigest()
OLDER: dict[str, Any] = {
    **KEY,
    "InstanceNumber": {"N": "7"},
    "SeriesInstanceUID": {"S": "1.2.1"},
    "SOPInstanceUID": {"S": "1.2.1.7"},
    "SOPClassUID": {"S": SOP_CLASSES["CT"]},
    "TransferSyntaxUID": {"S": "1.2.840.10008.1.2.1"},
    "Size": {"N": "3"},
    "Bucket": {"S": BUCKET},
    "Key": {"S": f"studies/1.2/series/1.2.1/instances/1.2.1.7/{DIGEST}.dcm"},
    "SHA256": {"S": DIGEST},
    "Stored": {"S": "2026-11-01T10:00:00.000+00:00"},
}


@pytest.fixture(autouse=True)
def older(deployment: Deployment) -> None:
    """An archive with one instance, as the version before this one has stored it."""
    Sender().outcomes(instance(7, b"abc"))
    deployment._dynamodb.put_item(TableName=TABLE, Item=OLDER)


def test_the_key_of_its_object_is_the_one_that_it_names(deployment: Deployment) -> None:
    item = deployment.items()[KEY["Resource"]["S"]]
    assert key_of(item) == OLDER["Key"]["S"]
    assert deployment.objects()[key_of(item)] == b"abc"
    deployment.check()


def test_the_same_bytes_are_stored_already(deployment: Deployment) -> None:
    assert Sender().outcomes(instance(7, b"abc")) == ["stored"]
    assert deployment.items()[KEY["Resource"]["S"]] == OLDER


def test_other_bytes_are_refused(deployment: Deployment) -> None:
    assert Sender().outcomes(instance(7, b"other")) == ["DUPLICATE_SOP_INSTANCE"]
    assert deployment.items()[KEY["Resource"]["S"]] == OLDER


def test_other_bytes_replace_it_with_an_item_of_today(deployment: Deployment) -> None:
    assert Sender(DuplicatePolicy.REPLACE).outcomes(instance(7, b"other")) == ["stored"]

    item = deployment.items()[KEY["Resource"]["S"]]
    assert not {"Bucket", "Key", "SeriesInstanceUID"} & set(item)
    assert item["Version"] == {"N": "1"}
    assert deployment.objects()[key_of(item)] == b"other"
    deployment.check()

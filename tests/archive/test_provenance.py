"""What an instance item says of the request that it was stored by."""

import pytest

from archive.entries import DuplicatePolicy
from archive.items import Provenance, Way
from tests.archive.deployment import PROVENANCE, Deployment, Sender, instance

OTHER = Provenance(Way.UPLOAD, "kV3uYhX0Ff7lq2m8tB1sWnQ4rZ6cAeJd", "fedcba9876543210" * 2)
ITEM = "instances/1.2.1/1.2.1.1"


def test_an_item_says_by_which_request_it_was_stored(
    sender: Sender, deployment: Deployment
) -> None:
    sender.outcomes(instance())
    assert Provenance.of(deployment.items()[ITEM]) == PROVENANCE


def test_the_same_bytes_sent_again_leave_the_first_request_in_the_item(
    sender: Sender, deployment: Deployment
) -> None:
    sender.outcomes(instance())
    sender.archive.keep([instance()], seconds=20, provenance=OTHER)
    assert Provenance.of(deployment.items()[ITEM]) == PROVENANCE


def test_an_item_that_replaces_another_has_the_request_that_replaced_it(
    sender: Sender, deployment: Deployment
) -> None:
    sender.outcomes(instance())
    replacing = Sender(DuplicatePolicy.REPLACE)
    replacing.archive.keep([instance(1, b"other")], seconds=20, provenance=OTHER)
    item = deployment.items()[ITEM]
    assert (Provenance.of(item), item["Version"]) == (OTHER, {"N": "1"})


@pytest.mark.parametrize("way", Way)
def test_a_request_is_read_as_it_was_written(way: Way) -> None:
    written = Provenance(way, "6f1c", "somebody")
    assert Provenance.of(written.item()) == written


def test_a_request_that_nobody_authorized_is_anonymous() -> None:
    assert Provenance(Way.POST, "", "").item() == {"Request": {"S": "post - anonymous"}}


def test_an_item_of_an_older_version_does_not_say_it() -> None:
    assert Provenance.of({"SHA256": {"S": "0"}}) is None

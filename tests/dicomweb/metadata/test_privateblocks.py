import pytest

from dicomweb.metadata.metadata import NotUnderstood
from dicomweb.metadata.privateblocks import PrivateBlocks


def test_blocks_are_reserved_in_order_of_need_and_by_group() -> None:
    blocks = PrivateBlocks()

    tags = [
        blocks.tag(tag, creator)
        for tag, creator in [
            (0x00090001, "ACME"),
            (0x00090001, "OTHER"),
            (0x000900FF, "ACME"),
            (0x00110001, "OTHER"),
        ]
    ]

    assert tags == [0x00091001, 0x00091101, 0x000910FF, 0x00111001]
    assert blocks.creators == [(0x00090010, "ACME"), (0x00090011, "OTHER"), (0x00110010, "OTHER")]


def test_only_the_last_byte_of_the_tag_counts() -> None:
    assert PrivateBlocks().tag(0x00094234, "ACME") == 0x00091034


def test_a_block_that_has_its_creator_is_used() -> None:
    blocks = PrivateBlocks()
    blocks.take(0x00090042, "ACME")
    blocks.take(0x00090043, "ACME")

    assert blocks.tag(0x00090001, "ACME") == 0x00094201
    assert blocks.creators == []


@pytest.mark.parametrize("tag", [0x00090010, 0x00091001, 0x000910FF])
def test_a_block_that_is_taken_is_left_alone(tag: int) -> None:
    blocks = PrivateBlocks()
    blocks.take(tag, "")

    assert blocks.tag(0x00090001, "ACME") == 0x00091101


def test_an_element_that_is_in_no_block_takes_none() -> None:
    blocks = PrivateBlocks()
    blocks.take(0x0009000C, "ACME")

    assert blocks.tag(0x00090001, "ACME") == 0x00091001


def test_a_group_has_240_blocks() -> None:
    blocks = PrivateBlocks()
    tags = {blocks.tag(0x00090001, str(creator)) for creator in range(240)}

    assert (min(tags), max(tags), len(tags)) == (0x00091001, 0x0009FF01, 240)
    with pytest.raises(NotUnderstood, match="group 0009"):
        blocks.tag(0x00090001, "one more")


@pytest.mark.parametrize(("tag", "creator"), [(0x00100020, "ACME"), (0x00090001, "A\\B")])
def test_what_has_no_private_creator_is_refused(tag: int, creator: str) -> None:
    with pytest.raises(NotUnderstood, match="private creator"):
        PrivateBlocks().tag(tag, creator)

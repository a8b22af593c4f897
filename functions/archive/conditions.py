"""Conditional writes to DynamoDB: what was in the way of one that was refused."""

from typing import cast

from botocore.exceptions import ClientError

from archive.errors import error_code
from archive.items import Item


def in_the_way(error: ClientError) -> Item:
    """Return the item because of which a condition failed, empty if there is none.

    Raises any other ``error``. The write has to ask for the item (``ALL_OLD``).
    """
    if error_code(error) != "ConditionalCheckFailedException":
        raise error
    return cast("dict[str, Item]", error.response).get("Item", {})

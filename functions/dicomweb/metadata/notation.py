"""The two models of metadata as two notations of one model (PS3.19 A.1, PS3.18 Annex F).

A data set or item holds attributes, each with a tag, a VR and at most one of values, items, bulk
data and inline binary. ``nativemodel`` and ``jsonmodel`` read one notation each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

MAX_URI_BYTES = 2048
"""Of a BulkDataURI, and of a Content-Location that one can refer to."""

Item = TypeVar("Item")
Attribute = TypeVar("Attribute")


@dataclass(frozen=True, slots=True)
class Values:
    """Values in order, None for an empty one; without values the element has zero length."""

    values: Sequence[object] = ()


@dataclass(frozen=True, slots=True)
class Items(Generic[Item]):
    """The items of a sequence, in order, None for an empty one. The reader lets go of them."""

    items: list[Item | None]


@dataclass(frozen=True, slots=True)
class InlineBinary:
    """A whole Value Field in base64."""

    base64: str


@dataclass(frozen=True, slots=True)
class BulkDataURI:
    """A reference to a value that is sent in a separate part."""

    uri: str


def is_short(uri: str) -> bool:
    """Tell whether a URI has no more than MAX_URI_BYTES."""
    return len(uri) <= MAX_URI_BYTES and len(uri.encode()) <= MAX_URI_BYTES


Content = Values | Items[Item] | InlineBinary | BulkDataURI


class Model(Protocol[Item, Attribute]):
    """A notation: how a data set or item holds attributes, and an attribute its content.

    ``attributes`` and ``content`` raise NotUnderstood for anything that the notation forbids.
    """

    def attributes(self, item: Item) -> Iterator[tuple[int, str | None, Attribute]]:
        """Yield the tag of each attribute, its VR if it is stated, and the attribute."""

    def find(self, item: Item, tag: int) -> Attribute | None:
        """Return the attribute of a tag that has only digits, or None if there is none."""

    def content(self, vr: str, attribute: Attribute) -> Content[Item]:
        """Return what an attribute of this VR holds."""

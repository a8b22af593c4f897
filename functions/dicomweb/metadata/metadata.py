"""The metadata of one instance, read but not yet made into an instance (PS3.18 8.7.1, 10.5.1).

Metadata is the data set without its bulk data, as ``nativemodel`` and ``jsonmodel`` read it.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dicomweb.reasons import FailureReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """A data set, and where bulk data is missing in it.

    ``data_set`` has no group 0002 and no group lengths. For each element whose value is bulk data
    ``bulk_data`` has the data set that holds the element, which may be an item, its tag, its VR
    and the URI as it was sent; until it is filled in the element is empty. ``discarded_file_meta``
    tells that elements of group 0002 were there and were left out.
    """

    data_set: "Dataset" = field(repr=False)
    bulk_data: "Sequence[tuple[Dataset, int, str, str]]" = field(default=(), repr=False)
    discarded_file_meta: bool = False


class NotUnderstood(Exception):
    """An attribute that cannot become an element; the text holds no value, and no tag."""

    def __init__(self, text: str, reason: FailureReason = FailureReason.CANNOT_UNDERSTAND) -> None:
        super().__init__(text)
        self.reason = reason

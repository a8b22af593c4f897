"""The metadata of one instance, read but not yet made into an instance (PS3.18 8.7.1, 10.5.1).

Metadata is the data set without its bulk data, as ``nativemodel`` and ``jsonmodel`` read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from dicomweb.errors import DicomWebError, InstanceRejected
from dicomweb.metadata.dataelements import DataSet
from dicomweb.outcomes import SOPReference


@dataclass(frozen=True, slots=True)
class Reference:
    """An element whose value is bulk data, and the URI of the bulk data as it was sent.

    ``holder`` is the data set or item that has the element.
    """

    holder: DataSet = field(repr=False)
    tag: int
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """A data set, and the places in it that bulk data fills.

    ``data_set`` has no group 0002 and no group lengths. ``bulk_data`` has a reference for each
    element whose value is bulk data; the element is empty until its value is filled in.
    ``discarded_file_meta`` says that elements of group 0002 were sent and left out.
    """

    data_set: DataSet = field(repr=False)
    bulk_data: Sequence[Reference] = field(default=(), repr=False)
    discarded_file_meta: bool = False


class NotUnderstood(DicomWebError):
    """An attribute that cannot become an element; the text holds no value, and no tag."""


class MetadataRejected(InstanceRejected):
    """The refusal of metadata; ``reference`` names the instance if that can be."""

    def __init__(self, refusal: InstanceRejected, reference: SOPReference | None) -> None:
        super().__init__(refusal.reason, str(refusal))
        self.temporary = refusal.temporary
        self.reference = reference

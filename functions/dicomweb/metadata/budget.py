"""Limits on the instances that a request makes, and on the objects that its metadata takes.

Instances may refer to the same bulk data, and a picture of a few bytes may unfold to millions of
pixels, so a small request can make large instances. They are all in memory until they are kept.
Metadata is in memory as objects, which take many times the bytes of the document.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason

MAX_BYTES = 64 * 1024 * 1024
"""The most that the instances of a request may take, however large the request is."""

_FREE_BYTES = 16 * 1024 * 1024


def bytes_for(request: int) -> int:
    """Return how many bytes the instances may take that a request of so many bytes makes.

    All of its bulk data once, half of it again, and 16 MiB.
    """
    return min(MAX_BYTES, _FREE_BYTES + request * 3 // 2)


class Budget:
    """The bytes that the instances of a request may take together, and how many are left."""

    def __init__(self, size: int) -> None:
        self.size = self.left = size

    def take(self, size: int) -> None:
        """Take ``size`` bytes, if any; raises InstanceRejected (A700) if they are not there."""
        if size > self.left:
            raise InstanceRejected(
                FailureReason.OUT_OF_RESOURCES,
                f"found instances of more than {self.size} bytes in the request, expected no more"
                " than that: send them in several requests",
            )
        self.left -= max(size, 0)


MAX_METADATA_BYTES = 16 * 1024 * 1024
"""Of one document. With it, what it is parsed to and the instances, `ingest` stays below 400 MB."""

MAX_OBJECT_BYTES = 128 * 1024 * 1024
_FREE_OBJECT_BYTES = 34 * 1024 * 1024
_OBJECT_BYTES_A_BYTE = 4.5
_LARGE_DOCUMENT = 5_000_000
"""No POST has a document of more bytes: it is of `ingest`, which has memory for all objects."""

_KEPT = 3
"""What is built takes a third of what it takes together with what was parsed."""

_TWO_BYTES_A_CHARACTER = re.compile(rb"[\xc4-\xff]")
_FOUR_BYTES_A_CHARACTER = re.compile(rb"[\xf0-\xff]")


class Objects:
    """The memory that the metadata of a request may take as objects, and how much is left.

    An object of Python takes 50 bytes or more, and a document may have one for each 3 bytes. So
    objects are counted before they are made, and the larger the documents, the more there may be.
    """

    def __init__(self) -> None:
        self._size = self.left = _FREE_OBJECT_BYTES

    @contextmanager
    def of(self, document: memoryview) -> Iterator[None]:
        """Take the memory of one document, and give back what it was parsed to.

        Raises InstanceRejected (A700) if it is too large.
        """
        if len(document) > MAX_METADATA_BYTES:
            raise InstanceRejected(
                FailureReason.OUT_OF_RESOURCES,
                f"found metadata of {len(document)} bytes in a part, expected at most"
                f" {MAX_METADATA_BYTES}: send large values as bulk data, and instances in several"
                " parts",
            )
        size = min(MAX_OBJECT_BYTES, self._size + int(_OBJECT_BYTES_A_BYTE * len(document)))
        if len(document) > _LARGE_DOCUMENT:
            size = MAX_OBJECT_BYTES
        before = self.left + size - self._size
        self.left, self._size = before, size
        try:
            self.take(len(document) * _bytes_a_character(document))
            yield
        finally:
            self.left = before - (before - max(self.left, 0)) // _KEPT

    def take(self, size: int) -> None:
        """Take ``size`` bytes; raises InstanceRejected (A700) if they are not there."""
        self.left -= size
        if self.left < 0:
            raise InstanceRejected(
                FailureReason.OUT_OF_RESOURCES,
                f"found metadata that takes more than {self._size} bytes of memory when it is read,"
                " expected fewer attributes, items and values: send it in several requests, or"
                " instances as Part 10 files",
            )


def _bytes_a_character(document: memoryview) -> int:
    """Return how many bytes Python takes for a character if the largest is in a text (PEP 393)."""
    if _FOUR_BYTES_A_CHARACTER.search(document):
        return 4
    return 2 if _TWO_BYTES_A_CHARACTER.search(document) else 1

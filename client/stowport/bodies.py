"""Body parts, and the multipart/related body that they make (RFC 2046 5.1, PS3.18 8.6.1.2).

A body is never in memory as a whole: it knows its size, and hands out any range of itself in
blocks. That is what a PUT of one part of a large upload needs, and a second try.
"""

import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

BLOCK = 1024 * 1024

DICOM_HEAD = b"Content-Type: application/dicom\r\n\r\n"

Block = bytes | memoryview


class ContentUnreadable(Exception):
    """The bytes of a part can no longer be read: its file was changed or is unreadable.

    It is not an OSError, which urllib3 would take for a network error.
    """


class Content(Protocol):
    """Bytes of a known size that can be read from any offset."""

    @property
    def size(self) -> int:
        """Return how many bytes there are."""

    @property
    def is_sequential(self) -> bool:
        """Whether it can only be read by one thread, and should be from beginning to end."""

    def read(self, offset: int, size: int) -> Block:
        """Return ``size`` bytes from ``offset``, all of which are there."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """Bytes in memory, or in a mapped file."""

    view: memoryview = field(repr=False)
    is_sequential = False

    @property
    def size(self) -> int:
        """Return how many bytes there are."""
        return len(self.view)

    def read(self, offset: int, size: int) -> Block:
        """Return a slice, not a copy."""
        return self.view[offset : offset + size]


@dataclass(frozen=True, slots=True)
class File:
    """A file of which ``size`` and time of modification were noted when it was found."""

    path: Path
    size: int
    modified: int
    is_sequential = False

    def read(self, offset: int, size: int) -> Block:
        """Raise ContentUnreadable if the file is not, or no longer, what was noted."""
        try:
            with self.path.open("rb", buffering=0) as stream:
                status = os.fstat(stream.fileno())
                if (status.st_size, status.st_mtime_ns) != (self.size, self.modified):
                    raise ContentUnreadable("the file was changed before it was sent completely")
                stream.seek(offset)
                block = stream.read(size)
        except OSError as error:
            raise ContentUnreadable(f"the file cannot be read: {error.strerror}") from error
        if len(block) != size:
            raise ContentUnreadable("the file was changed before it was sent completely")
        return block


@dataclass(frozen=True, slots=True)
class Preceded:
    """Bytes in memory, and the ``content`` that follows them."""

    before: bytes
    content: Content

    @property
    def size(self) -> int:
        """Return how many bytes there are of both."""
        return len(self.before) + self.content.size

    @property
    def is_sequential(self) -> bool:
        """Return what holds for the content."""
        return self.content.is_sequential

    def read(self, offset: int, size: int) -> Block:
        """Raise what the content raises."""
        head = self.before[offset : offset + size]
        if len(head) == size:
            return head
        at = max(offset - len(self.before), 0)
        return b"".join((head, self.content.read(at, size - len(head))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One body part: ``head`` is its header with the empty line that ends it.

    ``sop_instance_uids`` are those that an answer may name it by, empty if they cannot be told.
    """

    content: Content
    head: bytes = DICOM_HEAD
    sop_instance_uids: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Return the bytes of the content."""
        return self.content.size


class Body(Protocol):
    """A body of a known size and type, any range of which can be had again.

    One that ``is_sequential`` is read by one thread at a time.
    """

    content_type: str
    size: int
    is_sequential: bool

    def blocks(self, offset: int = 0, size: int | None = None) -> Iterator[Block]:
        """Yield the range of the body in blocks; all of it unless told otherwise."""


class RelatedBody:
    """The multipart/related body of ``parts``, under a boundary of its own."""

    def __init__(self, parts: Sequence[Part]) -> None:
        boundary = uuid.uuid4().hex
        self.content_type = f'multipart/related; type="application/dicom"; boundary="{boundary}"'
        self._segments: list[Content] = []
        for part in parts:
            opening = f"--{boundary}\r\n".encode() + part.head
            self._segments += [_literal(opening), part.content, _literal(b"\r\n")]
        self._segments.append(_literal(f"--{boundary}--\r\n".encode()))
        self.size = sum(segment.size for segment in self._segments)
        self.is_sequential = any(part.content.is_sequential for part in parts)

    def blocks(self, offset: int = 0, size: int | None = None) -> Iterator[Block]:
        """Yield the range of the body in blocks; all of it unless told otherwise."""
        end = self.size if size is None else offset + size
        start = 0
        for segment in self._segments:
            first, last = max(offset - start, 0), min(end - start, segment.size)
            for position in range(first, last, BLOCK):
                yield segment.read(position, min(BLOCK, last - position))
            start += segment.size


def _literal(content: bytes) -> Buffer:
    return Buffer(memoryview(content))


ENVELOPE = RelatedBody([]).size
"""Bytes of a body in addition to its parts."""

PART_ENVELOPE = RelatedBody([Part(content=_literal(b""), head=b"")]).size - ENVELOPE
"""Bytes of a body for each part in addition to its head and content."""

"""moto's S3 with objects of any size: those over ``IN_MEMORY`` stay in files.

moto holds a request's body in memory, and loads a whole object for every range of it that is read
or copied: a body of 2 GB takes 4 GB, and each of its ranges another 2. Here a large body is written
to a file as it arrives, and moto passes around a :class:`Content` in its place, of which only what
is sent is ever read. Copies of ranges share the file. The files are in ``TMPDIR`` and have no
names, so they disappear with the process.
"""

import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from io import BytesIO
from secrets import token_hex
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple

from flask import Flask

# moto cannot be told where to keep bodies, so the functions that keep them are replaced.
from moto.moto_server.werkzeug_app import BackendRequest, create_backend_app
from moto.s3 import models  # the same
from moto.s3.exceptions import EntityTooSmall, InvalidPart  # the same
from moto.s3.models import FakeKey, FakeMultipart  # the same

IN_MEMORY = 8 * 1024 * 1024
"""Bytes up to which a body is left to moto."""

_BLOCK = 1024 * 1024
_SMALLEST_PART = 5 * 1024 * 1024


class Piece(NamedTuple):
    """Bytes ``start`` to ``end`` of a file that is no longer written."""

    file: IO[bytes]
    start: int
    end: int


class Content:
    """Pieces of files, one after the other."""

    def __init__(self, *pieces: Piece) -> None:
        self.pieces = pieces

    def __len__(self) -> int:
        return sum(piece.end - piece.start for piece in self.pieces)

    def __getitem__(self, wanted: slice) -> "Content":
        start, end, _ = wanted.indices(len(self))
        pieces, begin = [], 0
        for file, first, last in self.pieces:
            low, high = first + max(start - begin, 0), min(first + end - begin, last)
            if low < high:
                pieces.append(Piece(file, low, high))
            begin += last - first
        return Content(*pieces)

    def __iter__(self) -> Iterator[bytes]:
        for file, start, end in self.pieces:
            for position in range(start, end, _BLOCK):
                yield os.pread(file.fileno(), min(_BLOCK, end - position), position)


class FileKey(FakeKey):
    """An object or a part of one, in memory or in a file."""

    _content: Content | None = None

    @property
    def value(self) -> Any:  # noqa: ANN401  what moto takes for bytes
        """The bytes."""
        return super().value if self._content is None else self._content

    @value.setter
    def value(self, value: bytes | Content) -> None:
        if isinstance(value, Content):
            self._content, self.contentsize = value, len(value)
            # For an object encrypted by a key of its own, S3 does not say that this is the MD5,
            # which for 2 GB would take longer than a client of S3 waits for a copy.
            self._etag = self._etag or token_hex(16)
        else:
            vars(FakeKey)["value"].fset(self, value)

    def dispose(self, garbage: bool = False) -> None:  # noqa: FBT001, FBT002  moto's signature
        """Release the bytes; moto keeps a list of the keys themselves."""
        self._content = None
        super().dispose(garbage)


class FileMultipart(FakeMultipart):
    """A multipart upload whose parts may be in files."""

    def complete(self, body: Iterable[tuple[int, str]]) -> Any:  # noqa: ANN401  moto's triple
        """Return content, ETag and checksum of the object (none, if a part is in a file)."""
        listed = list(body)
        if not any(isinstance(part.value, Content) for part in self.parts.values()):
            return super().complete(iter(listed))
        parts = [self._part(number, etag) for number, etag in listed]
        if any(part.contentsize < _SMALLEST_PART for part in parts[:-1]):
            raise EntityTooSmall
        content = _joined([part.value for part in parts])
        return content, f"{token_hex(16)}-{len(parts)}", None

    def _part(self, number: int, etag: str) -> Any:  # noqa: ANN401  moto's key
        part = self.parts.get(number)
        if part is None or part.etag.strip('"') != etag.strip('"'):
            raise InvalidPart
        return part


class SpooledRequest(BackendRequest):
    """A request whose body, if it is a large object, goes to a file as it arrives."""

    @cached_property
    def data(self) -> Any:  # noqa: ANN401  what moto takes for bytes
        """The body: bytes, or a Content."""
        length = self.content_length or 0
        # In AWS's chunked encoding the body is not the object: moto decodes it, in memory.
        encoded = "x-amz-decoded-content-length" in self.headers
        if self.method != "PUT" or length <= IN_MEMORY or encoded:
            return super().data
        return _spooled(self.stream)


def create_app(service: Any) -> Flask:  # noqa: ANN401  moto's literal of all its services
    """Return moto's application for ``service``; its S3 keeps large objects in files."""
    vars(models).update(FakeKey=FileKey, FakeMultipart=FileMultipart)
    application = create_backend_app(service)
    application.request_class = SpooledRequest
    return application


def _spooled(stream: IO[bytes]) -> Content:
    file = TemporaryFile()  # noqa: SIM115  closed when the last content that has a piece of it goes
    copyfileobj(stream, file, _BLOCK)
    file.flush()
    return Content(Piece(file, 0, file.tell()))


def _joined(values: "list[bytes | Content]") -> Content:
    contents = (_spooled(BytesIO(value)) if isinstance(value, bytes) else value for value in values)
    return Content(*(piece for content in contents for piece in content.pieces))

"""The members of zip files, which are read where they are and never unpacked to a disk.

A zip file comes from others, so what it states is limited before it is believed: its directory is
at most 16 MB, its members may not overlap, and they are stored or deflated, which unfolds to about
1,000 times the size at most (RFC 1951). A member is read in blocks.
"""

import os
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import IO

from stowport.bodies import Block, ContentUnreadable

SIGNATURE = b"PK\3\4"
"""The first bytes of a zip file with at least one member."""

_MOST_OF_DIRECTORY = 16 * 1024 * 1024
_OPEN = 2
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_DOCUMENT = frozenset(("[Content_Types].xml", "mimetype"))
"""Members of Office Open XML, OpenDocument and EPUB."""

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    RuntimeError,  # NotImplementedError is one
)


class BrokenArchive(Exception):
    """The zip file, or this member of it, cannot be read; the text says why."""


@dataclass(slots=True, eq=False)
class Member:
    """A member of the zip file ``archive``, in its ``place`` among the members.

    It may be read in any order, but is meant to be read once, from its first byte to its last: to
    go back is to inflate from the start. The time of modification is that of the zip file.
    """

    archive: Path
    place: int
    size: int
    modified: int
    is_sequential = True
    _stream: IO[bytes] | None = field(default=None, repr=False)

    def read(self, offset: int, size: int) -> Block:
        """Raise ContentUnreadable if the member is broken, or the zip file was changed."""
        try:
            with _reading():
                if self._stream is None:
                    opened = _opened(self.archive, self.modified)
                    self._stream = opened.open(opened.infolist()[self.place])
                if self._stream.tell() != offset:
                    self._stream.seek(offset)
                block = self._stream.read(size)
        except BrokenArchive as error:
            raise ContentUnreadable(
                f"the member of the zip file cannot be read: {error}"
            ) from error
        if len(block) != size:
            raise ContentUnreadable("the member of the zip file is shorter than the file says")
        if offset + size == self.size:
            self._stream = None
        return block


def members_of(archive: Path, modified: int) -> list[zipfile.ZipInfo]:
    """Return the members of a zip file; raise BrokenArchive if it cannot be read."""
    with _reading():
        _check(archive)
        return _opened(archive, modified).infolist()


def _check(archive: Path) -> None:
    with _File(archive) as stream, zipfile.ZipFile(stream) as opened:
        taken = sum(member.compress_size for member in opened.infolist())
        if taken > os.fstat(stream.fileno()).st_size:
            raise BrokenArchive("its members overlap")


def is_document(members: Sequence[zipfile.ZipInfo]) -> bool:
    """Tell whether this is a document of an office program, which has no instances in it."""
    return any(member.filename in _DOCUMENT for member in members[:2])


def why_not(member: zipfile.ZipInfo) -> str:
    """Return why a member cannot be read, if so."""
    if member.flag_bits & _ENCRYPTED:
        return "found an encrypted member of a zip file, expected one that is not encrypted"
    if member.compress_type not in _METHODS:
        return "found a member of a zip file that is compressed in another way, expected deflate"
    return ""


class _File(FileIO):
    """A file that does not read the directory of a zip file into memory if it is too large."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > _MOST_OF_DIRECTORY:
            raise BrokenArchive(
                f"its directory has {size} bytes, expected at most {_MOST_OF_DIRECTORY}"
            )
        return super().read(-1 if size is None else size)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BrokenArchive(error.strerror or type(error).__name__) from error
    except _BROKEN as error:
        raise BrokenArchive(_in_words(error)) from error


def _in_words(error: Exception) -> str:
    """Return the library's words without the name of the member, which may be a patient's."""
    return str(error).partition("'")[0].rstrip(" :") or type(error).__name__


_lock = threading.Lock()
_archives: dict[tuple[Path, int], zipfile.ZipFile] = {}


def _opened(archive: Path, modified: int) -> zipfile.ZipFile:
    """Return the zip file; the last few stay open, because to open one is to read its directory.

    One that is dropped is closed by the last of its members that is still read.
    """
    key = archive, modified
    with _lock:
        found = _archives.pop(key, None) or zipfile.ZipFile(archive)
        if archive.stat().st_mtime_ns != modified:
            raise BrokenArchive("the zip file was changed before it was sent completely")
        _archives[key] = found
        if len(_archives) > _OPEN:
            del _archives[next(iter(_archives))]
        return found

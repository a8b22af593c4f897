"""Find the instances in files, folders and file-sets (PS3.10 Sections 7 and 8).

Every file that was named, or is in a folder that was named, is accounted for: as found, as missing
with a reason, or in the count of files that are not Part 10 files.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dicomweb.errors import InstanceRejected
from dicomweb.part10.file import read_file_meta
from stowport.bodies import File, Part
from stowport.dicomdir import Unreadable, referenced_files
from stowport.sopinstanceuids import HEAD, sop_instance_uids

MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
_PREFIX = slice(128, 132)
_NO_FILE = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An instance in a file; ``modified`` is its time of modification in nanoseconds."""

    path: Path
    modified: int
    part: Part

    @property
    def size(self) -> int:
        """Return the bytes of the file."""
        return self.part.size


@dataclass(slots=True)
class Search:
    """The result of a search: instances, and what should be sent but cannot be.

    ``skipped`` counts files in folders that have no DICM prefix.
    """

    found: list[Found] = field(default_factory=list)
    skipped: int = 0
    missing: list[tuple[Path, str]] = field(default_factory=list)


def find(paths: Iterable[Path]) -> Search:
    """Search ``paths``: each file once, in a stable order.

    A file that is not an instance is ``missing`` if the user or a DICOMDIR named it, and
    ``skipped`` if it was only found in a folder. Links are followed.
    """
    finder = _Finder()
    for path in paths:
        finder.look_at(path)
    finder.open_file_sets()
    search = finder.search
    search.skipped = len(finder.skipped)
    return search


class _Finder:
    """A search in progress. Files and folders are identified by their paths without links."""

    def __init__(self) -> None:
        self.search = Search()
        self.skipped: set[str] = set()
        self._seen: set[str] = set()
        self._folders: set[str] = set()
        self._missing: set[Path] = set()
        self._directories: list[Path] = []

    def look_at(self, path: Path) -> None:
        """Search a file or folder that the user has named."""
        mode = self._mode(path)
        if stat.S_ISDIR(mode):
            for file in self._files(path):
                self._look_into(file, named=False)
        elif mode:
            self._look_into(path, named=True)

    def open_file_sets(self) -> None:
        """Search the files that each DICOMDIR names, including further DICOMDIRs."""
        for directory in self._directories:
            try:
                for file, fault in referenced_files(directory):
                    if fault and os.path.realpath(file) not in self._seen:
                        self._miss(file, fault)
                    elif self._mode(file):
                        self._look_into(file, named=True)
            except Unreadable as error:
                self._miss(directory, f"the DICOMDIR cannot be read: {error}")

    def _files(self, root: Path) -> Iterator[Path]:
        """Yield the files below a folder: first those in it, then those in its subfolders."""
        outstanding = [(root, frozenset[str]())]
        while outstanding:
            folder, above = outstanding.pop()
            real = os.path.realpath(folder)
            if real in above:
                self._miss(folder, "the link leads back to a folder that contains it")
            if real in self._folders:
                continue
            self._folders.add(real)
            folders = []
            for path in self._entries(folder):
                mode = self._mode(path)
                if stat.S_ISDIR(mode):
                    folders.append((path, above | {real}))
                elif mode:
                    yield path
            outstanding += reversed(folders)

    def _entries(self, folder: Path) -> list[Path]:
        try:
            return sorted(folder.iterdir())
        except OSError as error:
            self._miss(folder, f"the folder cannot be read: {error.strerror}")
            return []

    def _mode(self, path: Path) -> int:
        """Return the mode of the target of ``path``; if there is none, note it and return 0."""
        try:
            return path.stat().st_mode
        except OSError as error:
            # In this order: without permission to look, is_symlink raises the same error as stat.
            nowhere = error.errno in (errno.ENOENT, errno.ELOOP) and path.is_symlink()
            what = "the link leads nowhere" if nowhere else "the file cannot be read"
            self._miss(path, f"{what}: {error.strerror}")
            return 0

    def _miss(self, path: Path, why: str) -> None:
        if path not in self._missing:
            self._missing.add(path)
            self.search.missing.append((path, why))

    def _look_into(self, file: Path, *, named: bool) -> None:
        real = os.path.realpath(file)
        if real in self._seen:
            if named and real in self.skipped:
                self._skip(file, real, named=True)
            return
        self._seen.add(real)
        try:
            status = file.stat()
            kind = stat.S_IFMT(status.st_mode)
            if kind != stat.S_IFREG:  # opening a FIFO would wait for a writer
                self._miss(file, f"found {_NO_FILE.get(kind, 'no file')}, expected a file")
                return
            with file.open("rb") as stream:
                status, head = os.fstat(stream.fileno()), stream.read(HEAD)
        except OSError as error:
            self._miss(file, f"the file cannot be read: {error.strerror}")
            return
        if head[_PREFIX] != b"DICM":
            self._skip(file, real, named=named)
        elif _is_directory(head):
            self._directories.append(file)
        else:
            self.search.found.append(_found(file, status, head))

    def _skip(self, file: Path, real: str, *, named: bool) -> None:
        if named:
            self.skipped.discard(real)
            self._miss(file, "found no DICM prefix at byte 128, expected a Part 10 file")
        else:
            self.skipped.add(real)


def _is_directory(head: bytes) -> bool:
    """Tell whether this is a DICOMDIR; broken File Meta Information is for the server to judge."""
    try:
        meta = read_file_meta(memoryview(head))
    except InstanceRejected:
        return False
    return meta.media_storage_sop_class_uid == MEDIA_STORAGE_DIRECTORY


def _found(file: Path, status: os.stat_result, head: bytes) -> Found:
    size, modified = status.st_size, status.st_mtime_ns
    part = Part(
        content=File(file, size, modified), sop_instance_uids=sop_instance_uids(memoryview(head))
    )
    return Found(path=file, modified=modified, part=part)

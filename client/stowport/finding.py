"""Find the instances in files, folders and file-sets (PS3.10 Sections 7 and 8)."""

import mmap
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pydicom

from dicomweb.candidates import Candidate
from dicomweb.conformance import StorageProfile
from dicomweb.errors import InstanceRejected
from dicomweb.instances import receive
from dicomweb.part10.file import FileMeta, read_file_meta
from stowport.bodies import File, Part

MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
_HEAD = 64 * 1024
_PREFIX_END = 132


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
    """What a search has come to: instances, files that hold none, and what was named in vain."""

    found: list[Found] = field(default_factory=list)
    skipped: int = 0
    missing: list[tuple[Path, str]] = field(default_factory=list)


def find(paths: Iterable[Path]) -> Search:
    """Look into ``paths``: each file once, in a stable order.

    A file that is named, by the user or by a DICOMDIR, and is no instance is ``missing``; one
    that only lies in a folder is ``skipped``.
    """
    search = Search()
    seen: set[Path] = set()
    for path in paths:
        for file, named in _files(path):
            resolved = file.resolve()
            if resolved not in seen:
                seen.add(resolved)
                _look_into(file, search, seen, named=named)
    return search


def _files(path: Path) -> Iterator[tuple[Path, bool]]:
    if not path.is_dir():
        yield path, True
        return
    for folder, folders, names in os.walk(path):
        folders.sort()
        yield from ((Path(folder, name), False) for name in sorted(names))


def _look_into(file: Path, search: Search, seen: set[Path], *, named: bool) -> None:
    try:
        with file.open("rb") as stream:
            status, head = os.fstat(stream.fileno()), stream.read(_HEAD)
    except OSError as error:
        search.missing.append((file, f"the file cannot be read: {error.strerror}"))
        return
    if head[128:_PREFIX_END] != b"DICM":
        _skip(file, search, named=named)
        return
    meta = _file_meta(head)
    if meta and meta.media_storage_sop_class_uid == MEDIA_STORAGE_DIRECTORY:
        _open_file_set(file, search, seen, named=named)
        return
    content = File(file, status.st_size)
    uid = (meta and meta.media_storage_sop_instance_uid) or _uid_in_data_set(file)
    part = Part(content=content, sop_instance_uid=uid)
    search.found.append(Found(path=file, modified=status.st_mtime_ns, part=part))


def _skip(file: Path, search: Search, *, named: bool) -> None:
    if named:
        search.missing.append((file, "found no DICM prefix at byte 128, expected a Part 10 file"))
    else:
        search.skipped += 1


def _file_meta(head: bytes) -> FileMeta | None:
    """Return the File Meta Information, None if it is broken: that is for the server to judge."""
    try:
        return read_file_meta(memoryview(head))
    except InstanceRejected:
        return None


def _uid_in_data_set(file: Path) -> str:
    """Return what an answer will name the instance by if the file meta does not say it."""
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as all_:
        content = memoryview(all_)
        candidate = Candidate(number=1, content=lambda: content)
        profile = StorageProfile.ANY_STORAGE
        read = receive(candidate, study_instance_uid=None, profile=profile)
        uid = read.reference.sop_instance_uid if read.reference else ""
        del read
        content.release()
        return uid


def _open_file_set(directory: Path, search: Search, seen: set[Path], *, named: bool) -> None:
    """Look into the files of a DICOMDIR, unless it lies in a folder that is looked into anyway."""
    if not named:
        return
    for file in _referenced_files(directory, search):
        resolved = file.resolve()
        if resolved not in seen:
            seen.add(resolved)
            _look_into(file, search, seen, named=True)


def _referenced_files(directory: Path, search: Search) -> Iterator[Path]:
    try:
        records = pydicom.dcmread(directory).DirectoryRecordSequence
        names = [record.ReferencedFileID for record in records if "ReferencedFileID" in record]
    except Exception as error:  # noqa: BLE001 - pydicom raises what a broken file makes it to
        search.missing.append((directory, f"the DICOMDIR cannot be read: {type(error).__name__}"))
        return
    for name in names:
        yield _on_medium(directory.parent, [name] if isinstance(name, str) else list(name))


def _on_medium(root: Path, components: list[str]) -> Path:
    """Return the path of a File ID, whose case is not always that of a mounted medium."""
    path = root.joinpath(*components)
    lower = root.joinpath(*(component.lower() for component in components))
    return lower if not path.exists() and lower.exists() else path

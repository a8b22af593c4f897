"""Find the instances in files, folders, file-sets and zip files (PS3.10 Sections 7 and 8).

Every file that was named, or is in a folder that was named, is entered into the ledger: as found,
as refused with a reason, or as skipped because it is no instance.
"""

import os
import stat
from collections.abc import Callable, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from zipfile import ZipInfo

from dicomweb.errors import InstanceRejected
from dicomweb.part10.file import is_file, read_file_meta
from dicomweb.reasons import FailureReason
from stowport.archives import SIGNATURE, BrokenArchive, Member, is_document, members_of, why_not
from stowport.bodies import Content, ContentUnreadable, File, Part, Preceded
from stowport.folders import Folders
from stowport.ledger import Found, Ledger, State
from stowport.sopinstanceuids import HEAD, sop_instance_uids

MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
_NO_INSTANCE = "found no DICM prefix at byte 128, expected a Part 10 file"
_NONE_IN_IT = "found a zip file without instances, expected Part 10 files in it"
_MOST_IN_MEMORY = 64 * 1024 * 1024
_FIRST_GROUPS = (b"\x02\0", b"\x08\0")
"""How a file without a preamble begins: a data set names its SOP class in group 0008."""

_NO_FILE = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def find(
    paths: Sequence[Path],
    ledger: Ledger,
    *,
    is_stored: Callable[[Found], bool] = lambda _: False,
    follow_links: bool = False,
) -> None:
    """Search ``paths`` and enter each file once, in a stable order.

    A file that is no instance is refused if the user or a DICOMDIR named it, and skipped if it was
    only found in a folder. Links that the user names are followed, and those in folders if
    ``follow_links``. What ``is_stored`` is entered as stored before.
    """
    finder = _Finder(paths, ledger, is_stored, follow_links=follow_links)
    for path in paths:
        finder.look_at(path)
    finder.open_file_sets()


class _Finder:
    """A search in progress. Files are identified by their paths without links."""

    def __init__(
        self,
        paths: Sequence[Path],
        ledger: Ledger,
        is_stored: Callable[[Found], bool],
        *,
        follow_links: bool,
    ) -> None:
        self._ledger = ledger
        self._is_stored = is_stored
        self._folders = Folders(paths, self._refuse, follow_links=follow_links)
        self._directories: list[Path] = []

    def look_at(self, path: Path) -> None:
        """Search a file or folder that the user has named."""
        mode = self._folders.mode_of(path)
        if stat.S_ISDIR(mode):
            for file in self._folders.files(path):
                self._look_into(file, named=False)
        elif mode:
            self._look_into(path, named=True)

    def open_file_sets(self) -> None:
        """Search the files that each DICOMDIR names, including further DICOMDIRs."""
        if not self._directories:
            return
        from stowport.dicomdir import Unreadable, referenced_files  # noqa: PLC0415 - most have none

        for directory in self._directories:
            try:
                for file, fault in referenced_files(directory):
                    if fault and self._ledger.state_of(_identity(file)) is None:
                        self._refuse(file, fault)
                    elif not fault and self._folders.mode_of(file):
                        self._look_into(file, named=True)
            except Unreadable as error:
                self._refuse(directory, f"the DICOMDIR cannot be read: {error}")

    def _refuse(self, path: Path, why: str) -> None:
        """Enter a path that is refused, whether or not there is a file with an entry of its own."""
        self._enter_refused(str(path), os.fsencode(path) + b"\0", why)

    def _enter_refused(self, path: str, identity: bytes, why: str) -> None:
        reason = FailureReason.CANNOT_UNDERSTAND
        self._ledger.note(State.REFUSED, path, identity, why, reason=reason)

    def _look_into(self, file: Path, *, named: bool) -> None:
        identity = _identity(file)
        known = self._ledger.state_of(identity)
        if known is not None and not (named and known is State.SKIPPED):
            return
        try:
            kind = stat.S_IFMT(file.stat().st_mode)
            if kind != stat.S_IFREG:  # opening a FIFO would wait for a writer
                why = f"found {_NO_FILE.get(kind, 'no file')}, expected a file"
                self._enter_refused(str(file), identity, why)
                return
            with file.open("rb") as stream:
                status, head = os.fstat(stream.fileno()), stream.read(HEAD)
        except OSError as error:
            why = f"the file cannot be read: {error.strerror}"
            self._enter_refused(str(file), identity, why)
            return
        modified = status.st_mtime_ns
        content = File(file, status.st_size, modified)
        if _is_directory(head):
            self._ledger.note(State.OPENED, str(file), identity)
            self._directories.append(file)
        elif _is_archive(head):
            self._open_archive(file, identity, modified, named=named)
        elif not self._enter(str(file), identity, modified, content, head):
            self._skip(str(file), identity, _NO_INSTANCE, named=named)

    def _enter(
        self, path: str, identity: bytes, version: int, content: Content, head: bytes
    ) -> bool:
        """Enter an instance, or refuse it; return False if this is none."""
        try:
            before = b"" if is_file(memoryview(head)) else _before(content, head)
        except (InstanceRejected, ContentUnreadable) as error:
            self._enter_refused(path, identity, f"in a file without preamble: {error}")
            return True
        if before is None:
            return False
        part = Part(
            content=Preceded(before, content) if before else content,
            sop_instance_uids=sop_instance_uids(memoryview(before + head)),
        )
        found = Found(identity=identity, version=version, path=path, part=part)
        self._ledger.enter(found, is_stored=self._is_stored(found))
        return True

    def _skip(self, path: str, identity: bytes, why: str, *, named: bool) -> None:
        if named:
            self._enter_refused(path, identity, why)
        else:
            self._ledger.note(State.SKIPPED, path, identity, why)

    def _open_archive(self, file: Path, identity: bytes, modified: int, *, named: bool) -> None:
        """Search the members of a zip file, which stands for itself if no instance is in it."""
        try:
            members = members_of(file, modified)
        except BrokenArchive as error:
            why = f"the zip file cannot be read: {error}"
            self._enter_refused(str(file), identity, why)
            return
        entered = 0
        if not is_document(members):
            for place, member in enumerate(members):
                entered += self._look_into_member(file, identity, modified, place, member)
        if entered:
            self._ledger.note(State.OPENED, str(file), identity)
        else:
            self._ledger.remove_below(str(file))
            self._skip(str(file), identity, _NONE_IN_IT, named=named)

    def _look_into_member(
        self, file: Path, identity: bytes, modified: int, place: int, member: ZipInfo
    ) -> bool:
        """Enter a member of a zip file; tell whether it may be meant to be sent."""
        if member.is_dir():
            return False
        path = f"{file}/{member.filename}"
        own = b"%b\0%d\0%b" % (identity, place, member.filename.encode("utf-8", "surrogatepass"))
        content = Member(file, place, member.file_size, modified)
        why = why_not(member)
        try:
            head = b"" if why else bytes(content.read(0, min(HEAD, member.file_size)))
        except ContentUnreadable as error:
            why, head = str(error), b""
        if _is_archive(head):
            why = "found a zip file in a zip file, expected it to be unpacked"
        if why:
            self._enter_refused(path, own, why)
        elif _is_directory(head):
            self._ledger.note(State.SKIPPED, path, own, "found a DICOMDIR in a zip file")
            return False
        elif not self._enter(path, own, member.CRC, content, head):
            self._ledger.note(State.SKIPPED, path, own, _NO_INSTANCE)
            return False
        return True


def _identity(file: Path) -> bytes:
    return os.fsencode(os.path.realpath(file))


def _is_archive(head: bytes) -> bool:
    """Tell whether this is a zip file; the preamble of a Part 10 file may begin like one."""
    return head.startswith(SIGNATURE) and not is_file(memoryview(head))


def _is_directory(head: bytes) -> bool:
    """Tell whether this is a DICOMDIR; broken File Meta Information is for the server to judge."""
    try:
        meta = read_file_meta(memoryview(head))
    except InstanceRejected:
        return False
    return meta.media_storage_sop_class_uid == MEDIA_STORAGE_DIRECTORY


def _before(content: Content, head: bytes) -> bytes | None:
    """Return what has to precede a file that has no preamble, None if it is no data set.

    Raises what `what_is_missing` raises, and ContentUnreadable.
    """
    if head[: len(_FIRST_GROUPS[0])] not in _FIRST_GROUPS:
        return None
    from stowport.filemeta import what_is_missing  # noqa: PLC0415 - pydicom takes as long as the rest

    if isinstance(content, File):
        try:
            with content.path.open("rb") as stream:
                whole = memoryview(mmap(stream.fileno(), 0, access=ACCESS_READ))
        except (OSError, ValueError) as error:
            raise ContentUnreadable("the file cannot be read") from error
    elif content.size > _MOST_IN_MEMORY:
        raise ContentUnreadable("it is too large to be read in a zip file, unpack it")
    else:
        whole = memoryview(content.read(0, content.size))
    return what_is_missing(whole) or None

"""What a DICOMDIR names: the files of a file-set (PS3.10 Section 8, PS3.3 Annex F)."""

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pydicom

from dicomweb.conformance import is_implicit_vr
from dicomweb.errors import InstanceRejected
from dicomweb.part10.file import read_file_meta
from dicomweb.part10.walker import walk

_DEEPEST = 64
"""Components of a File ID; the standard has 8 at most (PS3.10 8.2)."""

_VERSION = re.compile(r"\.?;\d+$")


class Unreadable(Exception):
    """The DICOMDIR cannot be read; the text says why."""


def referenced_files(directory: Path) -> Iterator[tuple[Path, str]]:
    """Yield the path of each file that a DICOMDIR names, with "" or why it cannot be sent.

    A DICOMDIR may name only files below its own folder, so that a medium cannot make its reader
    send other files of the machine. Raises Unreadable, but only after it has yielded what can be
    read: pydicom reads a DICOMDIR that was cut off without an error.
    """
    root = directory.parent
    medium = _Medium()
    for components in _file_ids(directory):
        path = root.joinpath(*(each.replace("\0", "?") for each in components if each))
        if len(components) > _DEEPEST or any(map(_is_outside, components)):
            yield path, "the DICOMDIR names a path outside its own folder, expected one below it"
            continue
        found = next(medium.matches(root, components), None)
        if found is None:
            yield path, "the file cannot be read: the DICOMDIR names it, but it does not exist"
        elif not _is_below(found, root):
            yield found, "the DICOMDIR names a link that leaves its own folder, expected none"
        else:
            yield found, ""
    _check_whole(directory)


def _check_whole(directory: Path) -> None:
    """Raise Unreadable unless the data set (PS3.5 Section 7) adds up to its last byte."""
    try:
        content = memoryview(directory.read_bytes())
        meta = read_file_meta(content)
        implicit_vr = is_implicit_vr(meta.transfer_syntax_uid)
        walk(content, start=meta.data_set_offset, implicit_vr=implicit_vr, wanted=())
    except OSError as error:
        raise Unreadable(error.strerror) from error
    except InstanceRejected as error:
        raise Unreadable(str(error)) from error


def _file_ids(directory: Path) -> list[list[str]]:
    """Return the components of each File ID (0004,1500), which must not contain "/"."""
    try:
        records = pydicom.dcmread(directory).DirectoryRecordSequence
        values = filter(None, (record.get("ReferencedFileID") for record in records))
        names = [[name] if isinstance(name, str) else list(map(str, name)) for name in values]
    except Exception as error:  # with a broken file pydicom may raise anything
        raise Unreadable(type(error).__name__) from error
    return [[each for name in components for each in name.split("/")] for components in names]


class _Medium:
    """The folders of a medium, each read once."""

    def __init__(self) -> None:
        self._names: dict[Path, dict[str, list[str]]] = {}

    def matches(self, folder: Path, components: Sequence[str]) -> Iterator[Path]:
        """Yield the paths that a File ID may mean: its case may differ from that of the medium."""
        name, *rest = components
        names = self._in(folder).get(_plain(name), [])
        for each in sorted(names, key=lambda each: (each != name, each)):
            if not rest:
                yield folder / each
            else:
                yield from self.matches(folder / each, rest)

    def _in(self, folder: Path) -> dict[str, list[str]]:
        """Return the names in ``folder``, keyed by the form in which they are compared."""
        if folder not in self._names:
            names = defaultdict(list)
            with suppress(OSError):
                for path in folder.iterdir():
                    names[_plain(path.name)].append(path.name)
            self._names[folder] = names
        return self._names[folder]


def _is_outside(component: str) -> bool:
    return component in ("", ".", "..") or ":" in component


def _plain(name: str) -> str:
    """Return a name without case and without the version that ISO 9660 gives it: "IM1.;1"."""
    return _VERSION.sub("", name).removesuffix(".").casefold()


def _is_below(path: Path, root: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))

"""The disk that holds a body while it is ingested, and what it says when it is full."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

_MEBIBYTE = 1024**2
_SPARE_MEBIBYTES = 64
_FULL = (errno.ENOSPC, errno.EDQUOT)


class DiskFull(OSError):
    """The body does not fit on the disk as it is now."""

    def __init__(self) -> None:
        super().__init__(errno.ENOSPC, os.strerror(errno.ENOSPC))


def largest_body(storage: int) -> int:
    """Return how many bytes of a body fit on an empty disk of ``storage`` MiB."""
    return (storage - _SPARE_MEBIBYTES) * _MEBIBYTE


def check_space(file: int, size: int) -> None:
    """Raise DiskFull if the disk of an open ``file`` has no room for ``size`` bytes."""
    disk = os.fstatvfs(file)
    if disk.f_bavail * disk.f_frsize < size:
        raise DiskFull


@contextmanager
def saying_full() -> Iterator[None]:
    """Raise DiskFull for an error that says that the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull from error
        raise


def write(file: int, content: bytes, offset: int) -> int:
    """Write all of ``content`` at ``offset`` and return where it ends; raises DiskFull.

    One call may write only part of the bytes, as on a disk that is nearly full.
    """
    left = memoryview(content)
    while left:
        with saying_full():
            written = os.pwrite(file, left, offset)
        if not written:
            raise DiskFull
        left = left[written:]
        offset += written
    return offset

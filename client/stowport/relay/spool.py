"""Requests' bodies on disk: written as they come in, and mapped when they are whole.

Memory holds one block of each. The pages of the mapping belong to the file, so the system reclaims
them when it needs memory.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO

from stowport.bodies import BLOCK
from stowport.relay.refusals import ServiceBusy, TooLarge

Payload = bytes | mmap

RESERVE = 256_000_000
"""What the relay leaves of the disk for others."""

_WRITERS = 8
_STEP = 16 * 1024 * 1024
_NO_ROOM = "the relay's disk has no room for the request, send it again later"


class _Mapped(mmap):
    """A mapped file; a search lets other threads run in between, which that of mmap does not."""

    def find(  # type: ignore[override] # that of mmap has no names for its arguments
        self, sub: bytes, start: int = 0, end: int | None = None
    ) -> int:
        end = len(self) if end is None else min(end, len(self))
        for position in range(start, end, _STEP):
            found = super().find(sub, position, min(position + _STEP + len(sub) - 1, end))
            if found >= 0:
                return found
        return -1


class _Lease:
    """The room of one body: ``reserved`` bytes, of which ``written`` are on the disk."""

    reserved = 0
    written = 0


class Spool:
    """Files in ``folder``, or where temporary files are kept, with limits in bytes.

    A body has at most ``max_body``, and all bodies together ``max_size`` if it is given. A body
    that has to wait for room is refused with ServiceBusy, one that never has room with TooLarge.
    """

    def __init__(self, folder: Path | None, *, max_body: int, max_size: int | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir())
        self._max_body = max_body if max_size is None else min(max_body, max_size)
        self._max_size = max_size
        self._leases: set[_Lease] = set()
        # Of its own: whoever waits for the server must not hold up a body that comes in.
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="spool")

    @property
    def size(self) -> int:
        """How many bytes are reserved for the requests that are under way."""
        return sum(lease.reserved for lease in self._leases)

    @property
    def has_room(self) -> bool:
        """Whether a further body has room, however small."""
        return self._room() > 0

    @asynccontextmanager
    async def body(
        self, chunks: AsyncIterator[bytes], declared: int | None = None
    ) -> AsyncIterator[Payload]:
        """Spool a body and yield it; the file has no name, so nothing can be left behind.

        ``declared`` is its Content-Length, if it has one: what has no room is refused before it
        comes in. Raises TooLarge, and ServiceBusy if the disk is full.
        """
        lease = _Lease()
        self._leases.add(lease)
        try:
            self._reserve(lease, declared or 0)
            with self._file() as stream:
                await self._write(chunks, stream, lease)
                try:
                    payload: Payload = (
                        _Mapped(stream.fileno(), lease.written, access=ACCESS_READ)
                        if lease.written
                        else b""
                    )
                except OSError as error:
                    raise ServiceBusy(_NO_ROOM) from error
                yield payload
        finally:
            self._leases.discard(lease)

    def _file(self) -> IO[bytes]:
        try:
            return tempfile.TemporaryFile(dir=self._folder)
        except OSError as error:
            raise ServiceBusy(_NO_ROOM) from error

    async def _write(self, chunks: AsyncIterator[bytes], stream: IO[bytes], lease: _Lease) -> None:
        """Write the chunks to ``stream`` in blocks, off the event loop."""
        loop = asyncio.get_running_loop()
        block = bytearray()
        try:
            async for chunk in chunks:
                block += chunk
                lease.written += len(chunk)
                if lease.written > lease.reserved:
                    self._reserve(lease, lease.written, _STEP)
                if len(block) >= BLOCK:
                    await loop.run_in_executor(self._writers, stream.write, block)
                    block = bytearray()
            await loop.run_in_executor(self._writers, stream.write, block)
            await loop.run_in_executor(self._writers, stream.flush)
        except OSError as error:
            raise ServiceBusy(_NO_ROOM) from error

    def _reserve(self, lease: _Lease, size: int, more: int = 0) -> None:
        """Reserve ``size`` bytes in all, and up to ``more`` that may come."""
        if size > self._max_body:
            raise TooLarge(
                f"found a body of more than {self._max_body} bytes, expected no more than the"
                " relay takes (--max-body, --max-spool)"
            )
        wanted = min(size + more, self._max_body)
        if wanted - lease.reserved > max(self._room(), 0) or not self.has_room:
            raise ServiceBusy(_NO_ROOM)
        lease.reserved = wanted

    def _room(self) -> int:
        pending = sum(max(lease.reserved - lease.written, 0) for lease in self._leases)
        try:
            free = shutil.disk_usage(self._folder).free - pending - RESERVE
        except OSError:
            return 0
        return free if self._max_size is None else min(free, self._max_size - self.size)

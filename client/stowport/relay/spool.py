"""A request's body on disk: written as it comes in, and mapped when it is whole.

Memory holds one block of it. The pages of the mapping belong to the file, so the system reclaims
them when it needs memory.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO

from dicomweb.errors import RequestRejected
from dicomweb.reasons import FailureReason
from stowport.bodies import BLOCK

Payload = bytes | mmap


class ServiceBusy(RequestRejected):
    """503: nothing was sent for lack of resources; the same request may be sent again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    reason = FailureReason.OUT_OF_RESOURCES


async def write(chunks: AsyncIterator[bytes], stream: IO[bytes]) -> int:
    """Write the chunks to ``stream`` in blocks, off the event loop; return how many bytes."""
    block = bytearray()
    size = 0
    async for chunk in chunks:
        block += chunk
        size += len(chunk)
        if len(block) >= BLOCK:
            await asyncio.to_thread(stream.write, block)
            block = bytearray()
    await asyncio.to_thread(stream.write, block)
    await asyncio.to_thread(stream.flush)
    return size


def mapped(stream: IO[bytes], size: int) -> Payload:
    """Return the file as if it were bytes; an empty one cannot be mapped."""
    return mmap(stream.fileno(), size, access=ACCESS_READ) if size else b""


@asynccontextmanager
async def spooled(chunks: AsyncIterator[bytes], folder: Path | None) -> AsyncIterator[Payload]:
    """Spool a body and yield it; the file has no name, so nothing can be left behind.

    Raises ServiceBusy if the disk is full.
    """
    with tempfile.TemporaryFile(dir=folder) as stream:
        try:
            payload = mapped(stream, await write(chunks, stream))
        except OSError as error:
            raise ServiceBusy(
                "the relay's disk has no room for the request, send it later"
            ) from error
        yield payload

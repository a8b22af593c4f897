"""Bodies on disk, and what has no room there."""

import argparse
import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from stowport.relay import spool as module
from stowport.relay.arguments import folder
from stowport.relay.refusals import ServiceBusy, TooLarge
from stowport.relay.spool import Spool
from tests.builders import instance
from tests.client.relays import ServedRelay
from tests.client.stub import Stub

Serve = Callable[..., ServedRelay]
MB = 1_000_000


async def body(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def spooled(spool: Spool, *chunks: bytes, declared: int | None = None) -> bytes:
    async def run() -> bytes:
        async with spool.body(body(*chunks), declared) as payload:
            return payload[:]

    return asyncio.run(run())


def test_a_body_is_read_as_it_came_and_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_body=10 * MB)
    chunks = [bytes([number]) * 700_000 for number in range(5)]
    assert spooled(spool, *chunks) == b"".join(chunks)
    assert spooled(spool) == b""
    assert (spool.size, list(tmp_path.iterdir())) == (0, [])


@pytest.mark.parametrize("step", [1, 3, 16, 1000])
def test_a_search_finds_what_bytes_find(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(module, "_STEP", step)
    content = b"..ab..abc.abcd"

    async def found() -> list[int]:
        async with Spool(tmp_path, max_body=MB).body(body(content)) as payload:
            return [
                payload.find(sub, *bounds) for sub in (b"abcd", b"ab", b"x") for bounds in BOUNDS
            ]

    expected = [content.find(sub, *bounds) for sub in (b"abcd", b"ab", b"x") for bounds in BOUNDS]
    assert asyncio.run(found()) == expected


BOUNDS: list[Any] = [(), (0, 5), (3,), (6, 8), (3, 100), (14,), (20,)]


def test_a_disk_without_room_is_503(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> BinaryIO:
        return Path("/dev/full").open("wb")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(ServiceBusy, match="no room"):
        spooled(Spool(tmp_path, max_body=10 * MB), bytes(2 * MB))


def test_a_folder_that_cannot_be_written_is_refused_at_the_start() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="can be written to"):
        folder("/proc")


def test_a_folder_that_cannot_be_written_is_503(tmp_path: Path) -> None:
    with pytest.raises(ServiceBusy, match="no room"):
        spooled(Spool(Path("/proc"), max_body=MB), b"x")
    gone = tmp_path / "gone"
    spool = Spool(gone, max_body=MB)
    with pytest.raises(ServiceBusy, match="no room"):
        spooled(spool, b"x")
    assert not spool.has_room


def test_what_the_disk_has_no_room_for_is_refused_before_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=module.RESERVE + 5 * MB)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    spool = Spool(tmp_path, max_body=100 * MB)

    async def run() -> None:
        async with spool.body(body(b"x"), 3 * MB):
            with pytest.raises(ServiceBusy):
                async with spool.body(body(), 3 * MB):
                    raise AssertionError
            async with spool.body(body(), 2 * MB):
                pass

    asyncio.run(run())
    assert spool.size == 0


@pytest.mark.parametrize("declared", [None, 3 * MB])
def test_what_never_has_room_is_final(tmp_path: Path, declared: int | None) -> None:
    for spool in (
        Spool(tmp_path, max_body=2 * MB),
        Spool(tmp_path, max_body=9 * MB, max_size=2 * MB),
    ):
        with pytest.raises(TooLarge, match="more than 2000000 bytes"):
            spooled(spool, bytes(MB), bytes(MB), bytes(MB), declared=declared)


def test_all_bodies_together_have_a_limit(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_body=3 * MB, max_size=3 * MB)

    async def run() -> None:
        async with spool.body(body(bytes(2 * MB)), 2 * MB):
            assert spool.size == 2 * MB
            for declared in (None, 2 * MB):
                with pytest.raises(ServiceBusy, match="send it again later"):
                    async with spool.body(body(bytes(2 * MB)), declared):
                        raise AssertionError
            async with spool.body(body(bytes(MB)), MB):
                assert not spool.has_room

    asyncio.run(run())


def test_a_body_that_is_too_large_is_not_worth_sending_again(stub: Stub, served: Serve) -> None:
    relay = served("--max-body", "1kB")
    answer = relay.store(instance(1), instance(2))
    assert answer.status == 503
    assert "Retry-After" not in answer.headers
    assert "--max-body" in answer.text
    assert relay.store(instance(1)).status == 200
    assert len(stub.digests) == 1

"""What the relay's memory is while a large request goes through it: ``make relay-memory``.

A stub that only computes digests takes what the relay sends on, in a process of its own, so that
only the relay's own memory is measured: what is resident and no page of a file (RssAnon).
"""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection

from tests.builders import BOUNDARY, instance, sop_uid
from tests.client.relays import RunningRelay, start
from tests.client.stub import serving

MB = 1_000_000


def body_of(megabytes: int) -> Iterator[bytes]:
    """Yield a request with one instance that is so large."""
    yield f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    yield instance(2, PixelData=bytes(2), Rows=1, Columns=1)[:-6]
    yield (megabytes * MB).to_bytes(4, "little")
    yield from (bytes(MB) for _ in range(megabytes))
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def highest(relay: RunningRelay, done: threading.Event, found: list[int]) -> None:
    """Note the highest memory until it is done."""
    while not done.wait(0.02):
        found[0] = max(found[0], relay.anonymous_memory())


def measure(relay: RunningRelay, megabytes: int) -> tuple[int, int, float]:
    """Send an instance; return the memory before and at most, and the seconds."""
    before = relay.anonymous_memory()
    found = [before]
    done = threading.Event()
    watcher = threading.Thread(target=highest, args=(relay, done, found))
    watcher.start()
    started = time.monotonic()
    answer = relay.post(body_of(megabytes))
    seconds = time.monotonic() - started
    done.set()
    watcher.join()
    assert (answer.status, answer.stored) == (200, [sop_uid(2)])
    return before, found[0], seconds


def _serve(pipe: Connection) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, serving(listener) as stub:
        pipe.send(stub.url)
        pipe.recv()


def main(sizes: list[int]) -> None:
    """Measure requests of these sizes, in MB."""
    ours, theirs = get_context("spawn").Pipe()
    target = get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    target.start()
    with start(ours.recv(), "--max-body", "100GB") as relay:
        measure(relay, 1)
        for megabytes in sizes:
            before, most, seconds = measure(relay, megabytes)
            sys.stdout.write(
                f"{megabytes} MB: {before / MB:.0f} MB before, at most {most / MB:.0f} MB, which is"
                f" {most / MB / megabytes:.3f} of the body; {seconds:.1f} s\n"
            )
    ours.send(None)


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or [20, 200, 2000])

"""``python ingested.py STAGED SIZE CONTENT_TYPE OUT``: ingest a staged body.

Runs the deployed function in its own interpreter, with nothing of the tests on the path. Writes
what it took as JSON: wall and CPU seconds of the whole and of its steps. The steps of one large
instance come one after the other, so their times add up to the whole.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import archive.entries
import archive.objects
from archive.staging import StagedBody, Staging
from archive.uploads import Upload
from dicomweb.outcomes import Stored
from ingest import handler
from ingest.settings import settings

_SECONDS = 900

times: dict[str, float] = {}

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Context:
    """What ingest asks Lambda's context."""

    def __init__(self) -> None:
        self.end = time.monotonic() + _SECONDS

    def get_remaining_time_in_millis(self) -> int:
        return int((self.end - time.monotonic()) * 1000)


def timed(name: str, do: Callable[Given, Result]) -> Callable[Given, Result]:
    """Return ``do``, the time of whose calls is added up under ``name``."""

    def doing(*given: Given.args, **named: Given.kwargs) -> Result:
        started, cpu = time.perf_counter(), time.process_time()
        try:
            return do(*given, **named)
        finally:
            times[name] = times.get(name, 0.0) + time.perf_counter() - started
            times[f"cpu of {name}"] = times.get(f"cpu of {name}", 0.0) + time.process_time() - cpu

    return doing


class _Hashlib:
    """hashlib for ``archive.entries``."""

    sha256 = staticmethod(timed("digest", hashlib.sha256))


def main(key: str, size: int, content_type: str, out: Path) -> None:
    # Each step is replaced by itself with a clock.
    Staging.download = timed("download", Staging.download)  # type: ignore[method-assign]  # timed
    handler.read_parts = timed("framing", handler.read_parts)  # type: ignore[attr-defined]  # timed
    archive.entries.hashlib = _Hashlib  # type: ignore[assignment, attr-defined]  # timed
    archive.objects.copy = timed("copy", archive.objects.copy)  # type: ignore[attr-defined]  # timed
    upload = Upload(
        id="1",
        base_url="http://127.0.0.1",
        content_type=content_type,
        size=size,
        study_instance_uid=None,
        principal="",
        created=0,
    )
    chosen = settings()
    handler.archive(chosen), handler.staging(chosen)
    wall, cpu = time.perf_counter(), time.process_time()
    body = StagedBody(key=key, size=size, etag="0")
    receipt: Any = handler.ingest(body, upload, chosen, Context())  # type: ignore[arg-type]  # the part that is used
    times["wall"], times["cpu"] = time.perf_counter() - wall, time.process_time() - cpu
    assert [type(each) for each in receipt.outcomes] == [Stored], receipt
    out.write_text(json.dumps(times), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))

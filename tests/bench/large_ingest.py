"""Ingest of one large instance, beside CopyObject of the same body in the same S3."""

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from tests import builders
from tests.bench import processes
from tests.bench.figures import spread
from tests.bench.setting import ROOT, Setting

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3.type_defs import CopySourceTypeDef

_STAGED = "staging%2F1"


def measure(
    setting: Setting, folder: Path, instance: Path, rounds: int, rate: int = 0
) -> dict[str, Any]:
    """Take turns: copy a body inside S3, and ingest it; each request moves ``rate`` bytes/s."""
    bucket, scratch = folder / "bucket", folder / "scratch"
    for each in (bucket, scratch):
        each.mkdir(parents=True)
    size = _stage(instance, bucket / _STAGED)
    port = processes.free_port()
    command = [sys.executable, "-m", "tests.bench.s3_files", str(port), str(bucket), str(rate)]
    with processes.started(command, cwd=ROOT) as pid:
        processes.wait_for_port(port)
        endpoint = f"http://127.0.0.1:{port}"
        ways: dict[str, Callable[[], dict[str, float]]] = {
            "CopyObject": lambda: _copied(endpoint),
            "ingest": lambda: _ingested(setting, endpoint, size, scratch),
        }
        taken: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, go in ways.items():
                before = processes.cpu_seconds([pid])
                times = go()
                taken[way].append({**times, "s3": processes.cpu_seconds([pid]) - before})
                _forget(endpoint, bucket)
    shutil.rmtree(folder)
    return {"size": size} | {
        way: {kind: spread([one[kind] for one in times]) for kind in times[0]}
        for way, times in taken.items()
    }


def _forget(endpoint: str, bucket: Path) -> None:
    """Remove all items, and all objects but the staged body."""
    urllib.request.urlopen(urllib.request.Request(endpoint, method="DELETE")).close()
    for each in bucket.iterdir():
        if each.name != _STAGED:
            each.unlink()


def _stage(instance: Path, body: Path) -> int:
    """Make the file of an instance the body of an upload; return its size."""
    opening, closing = builders.multipart(builders.part(b"\0")).split(b"\0")
    with body.open("wb") as stream, instance.open("rb") as source:
        stream.write(opening)
        shutil.copyfileobj(source, stream, 1024 * 1024)
        stream.write(closing)
        return stream.tell()


def _copied(endpoint: str) -> dict[str, float]:
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        config=Config(s3={"addressing_style": "path"}, read_timeout=600),
    )
    source: CopySourceTypeDef = {"Bucket": "bench-archive", "Key": "staging/1"}
    started = time.perf_counter()
    s3.copy_object(Bucket="bench-archive", Key="copy", CopySource=source)
    return {"wall": time.perf_counter() - started}


def _ingested(setting: Setting, endpoint: str, size: int, scratch: Path) -> dict[str, float]:
    deployment = setting.deployment
    out = scratch / "times.json"
    subprocess.run(
        [
            setting.python,
            "-P",
            Path(__file__).with_name("ingested.py"),
            "staging/1",
            str(size),
            builders.content_type(),
            out,
        ],
        env={
            **deployment.variables(endpoint),
            "TMPDIR": str(scratch),
            "UPLOAD_TABLE": "bench-uploads",
            "INGEST_STORAGE": "10240",
            "INGEST_QUEUE": "https://sqs.us-east-1.amazonaws.com/123456789012/bench",
            "MAX_INGEST_ATTEMPTS": "5",
            "VISIBILITY_TIMEOUT": "1000",
        },
        cwd=deployment.task,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    times: dict[str, float] = json.loads(out.read_text("utf-8"))
    return times

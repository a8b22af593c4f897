"""Growth of what is stored: instances of an upload, and instances of a study, stored and read."""

import json
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from events.proxy import retrieve_event, staged_event
from tests.bench.figures import ratio, shown, spread
from tests.bench.instances import CONTENT_TYPE, STUDY, Body, ct_image, new_uids
from tests.bench.setting import BUILT, Aws, Setting, aws, events, timed
from tests.markdown import table

Figures = dict[str, Any]
Case = tuple[str, dict[str, Any]]

LARGE = 100_000
_REQUEST = 100
_TINY = ct_image(32, 32)
_ROUNDS = {10: 8, 100: 4, 1000: 2, 4000: 1}
"""How many uploads of so many instances a round has."""

_ENVIRONMENT = {
    "UPLOAD_TABLE": "bench-uploads",
    "INGEST_STORAGE": "10240",
    "INGEST_QUEUE": "",
    "MAX_INGEST_ATTEMPTS": "5",
    "VISIBILITY_TIMEOUT": "5400",
    "AUDIT_TRAIL": "",
    "AUDIT_SOURCE": "bench",
    "EVENT_BUS": "default",
    "EVENT_ATTRIBUTES": "",
    "STUDY_QUIET_SECONDS": "60",
    "QUIET_QUEUE": "",
    "UNTOLD_QUEUE": "",
}
_LONG_AGO, _FAR_AHEAD = 0, 4_000_000_000


def measure(setting: Setting) -> Figures:
    """Return the times of uploads, of requests into a large study, and of reading it."""
    return {"uploads": _uploads(setting), "stored": _stored(setting), "read": _read(setting)}


def growth(figures: Figures) -> Iterator[tuple[str, float]]:
    """Yield by what factor an instance takes longer where there are more."""
    uploads, stored = figures["uploads"], figures["stored"]
    over = ratio(uploads["4000"]["cpu_ms"], uploads["100"]["cpu_ms"])
    yield "time per instance at 4000 per upload, over that at 100 (CPU)", over
    over = ratio(stored[f"{LARGE:,}"]["cpu_ms"], stored["0"]["cpu_ms"])
    yield f"time per instance into a study of {LARGE:,}, over a new one (CPU)", over


def _uploads(setting: Setting) -> Figures:
    """Let ingest store staged bodies of more and more instances; return the times an instance."""
    folder = BUILT / "staged"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rounds = setting.repeats(3)
    numbers = [number for number, times in _ROUNDS.items() for _ in range(times)] * rounds
    with aws(module="services") as stand_in:
        cases = _staged(folder, [_REQUEST, *numbers])
        measured = _handled(setting, stand_in, "ingest.handler.lambda_handler", cases)
    shutil.rmtree(folder)
    by_number: dict[int, list[dict[str, Any]]] = {}
    for number, each in zip(numbers, measured, strict=True):
        by_number.setdefault(number, []).append(each)
    return {str(number): _each(times, number) for number, times in by_number.items()}


def _staged(folder: Path, numbers: Sequence[int]) -> Iterator[Case]:
    bodies = {number: Body(_TINY, number) for number in set(numbers)}
    uids = new_uids(10**11)
    for place, number in enumerate(numbers):
        bodies[number].renew(uids)
        file = folder / f"{place}"
        file.write_bytes(bodies[number].content)
        size, upload = len(bodies[number].content), f"{place:032}"
        item = {
            "Upload": {"S": upload},
            "BaseUrl": {"S": "https://example"},
            "ContentType": {"S": CONTENT_TYPE},
            "Size": {"N": str(size)},
            "StudyInstanceUID": {"S": ""},
            "Principal": {"S": "anonymous"},
            "Created": {"N": "1767348672"},
            "State": {"S": "pending"},
        }
        asked = urllib.parse.urlencode({"file": str(file), "upload": json.dumps(item)})
        etag = "0123456789abcdef0123456789abcdef"
        staged = {"key": f"staging/{upload}", "size": size, "etag": etag}
        yield f"/-/stage?{asked}", staged_event("bench-archive", staged)


def _stored(setting: Setting) -> Figures:
    """Store requests of 100 into a study that is new, and into a large one."""
    result = {}
    for items in (0, LARGE):
        with aws() as stand_in:
            stand_in.fill(STUDY, round((items - 10 * _REQUEST) * min(1.0, setting.scale)))
            measured = islice(events(_TINY, _REQUEST, STUDY), setting.repeats(10) + 1)
            times = timed(setting, stand_in.endpoint, measured)
        seconds = [{"seconds": each["handler"]} for each in times]
        result[f"{items:,}"] = _each(seconds, _REQUEST)
    return result


def _read(setting: Setting) -> Figures:
    """Read a small study and a large one: pages of lists, and what Study Quiet counts."""
    result: Figures = {}
    with aws(module="services") as stand_in:
        for items in (_REQUEST, LARGE):
            stand_in.reset()
            timed(setting, stand_in.endpoint, islice(events(_TINY, 1, STUDY), 2))
            stand_in.multiply(STUDY, items)
            for name, handler, event in _reads(items):
                cases = [("", event)] * (1 + setting.repeats(3))
                times = _handled(setting, stand_in, handler, cases)
                result.setdefault(name, {})[f"{items:,}"] = _each(times, 1)
    return result


def _reads(items: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    retrieve, notify = "retrieve.handler.lambda_handler", "notify.handler.lambda_handler"
    first, last = {"limit": "100"}, {"limit": "100", "offset": str(max(0, items - 103))}
    yield "the first 100 instances", retrieve, _list("/instances", first)
    yield "the last 100 instances", retrieve, _list("/instances", last)
    yield "all series", retrieve, _list("/series", {})
    yield "Study Quiet: the study is told of", notify, _quiet(_FAR_AHEAD)
    yield "Study Quiet: more came since", notify, _quiet(_LONG_AGO)


def _list(below: str, query: Mapping[str, str | list[str]]) -> dict[str, Any]:
    headers = {"Accept": "application/dicom+json"}
    return retrieve_event(STUDY, below=below, headers=headers, query=query)


def _quiet(sent: int) -> dict[str, Any]:
    body = json.dumps({"studyInstanceUID": STUDY, "sent": sent})
    return {"Records": [{"eventSource": "aws:sqs", "body": body}]}


def _handled(
    setting: Setting, stand_in: Aws, handler: str, cases: Iterator[Case] | Sequence[Case]
) -> list[dict[str, Any]]:
    """Handle the cases in a process of the deployment; see ``in_handler``."""
    folder, result = BUILT / "cases", BUILT / "handled.json"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for place, (first, event) in enumerate(cases):
        case = {"first": first, "event": event}
        (folder / f"{place:04}.json").write_text(json.dumps(case), "utf-8")
    subprocess.run(
        [setting.python, "-P", Path(__file__).with_name("in_handler.py"), handler, folder, result],
        env={**setting.deployment.variables(stand_in.endpoint), **_ENVIRONMENT},
        cwd=setting.deployment.task,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    measured: list[dict[str, Any]] = json.loads(result.read_text("utf-8"))
    shutil.rmtree(folder)
    for each in measured:
        returned = each["returned"] or {}
        assert returned.get("statusCode", 200) == 200, returned
    return measured


def _each(measured: Sequence[dict[str, Any]], number: int) -> Figures:
    """Return the times an instance (ms) of what was done for ``number`` each."""
    return {
        kind: spread([each["seconds"][place] / number for each in measured], 1000)
        for place, kind in enumerate(("cpu_ms", "wall_ms"))
    }


def report(figures: Figures) -> str:
    uploads = [
        (f"{int(number):,}", shown(each["cpu_ms"]), shown(each["wall_ms"]))
        for number, each in figures["uploads"].items()
    ]
    stored = [
        (number, shown(each["cpu_ms"]), shown(each["wall_ms"]))
        for number, each in figures["stored"].items()
    ]
    read = [
        (name, *(shown(each["cpu_ms"]) for each in sizes.values()))
        for name, sizes in figures["read"].items()
    ]
    sizes = next(iter(figures["read"].values()))
    return f"""
## Large uploads and studies

Milliseconds per instance of 3 KB: of an upload that ingest stores, and of requests of 100.

{table(("instances per upload", "CPU", "wall"), uploads)}
{table(("100 more instances, added to a study of", "CPU", "wall"), stored)}
CPU milliseconds of one invocation that reads a study of so many instances.

{table(("what is read", *sizes), read)}"""

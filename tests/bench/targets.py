"""The targets, and how far they are met."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.bench import large_report, starts, studies
from tests.bench.figures import ratio
from tests.bench.instances import CASES

Row = tuple[str, str, str, str]

_OF_ORTHANC = {"ct1": 2.0, "ct10": 1.0, "big1": 1.0, "tiny100": 0.6}
"""The most processor time of an instance, in that of Orthanc with SQLite."""


def targets(result: dict[str, Any]) -> Iterator[Row]:
    """Yield a row for every target whose figures are there."""
    for section, rows in _SECTIONS.items():
        if section in result:
            yield from rows(result[section])


def _servers(figures: dict[str, Any]) -> Iterator[Row]:
    yield from _against(figures["rows"], "Orthanc", _OF_ORTHANC)
    yield from _against(figures["rows"], "tiny-pacs", dict.fromkeys(CASES, 0.2))


def _floor(figures: dict[str, Any]) -> Iterator[Row]:
    over = figures["cpu"]["over_floor"]["median"]
    yield _row("handler for one 4.4 MB instance, over the floor (CPU)", 1.5, over)


def _growth(figures: dict[str, Any]) -> Iterator[Row]:
    tiny = figures["instances_without_calls"]["500"]["cpu_ms"]["median"]
    yield _row("500 tiny instances, without the AWS calls, ms each (CPU)", 0.5, tiny)
    times = figures["instances"]
    flat = ratio(times["1000"]["cpu_ms"], times["10"]["cpu_ms"])
    yield _row("time per instance at 1000 per request, over that at 10 (CPU)", 1.1, flat)


def _studies(figures: dict[str, Any]) -> Iterator[Row]:
    for what, over in studies.growth(figures):
        yield _row(what, 1.1, over)


def _cold_start(figures: dict[str, Any]) -> Iterator[Row]:
    for function, most in ((starts.STORE, 1.1), (starts.AUTHORIZER, 0.6)):
        over = figures["starts"][function]["over_clients"]
        yield _row(f"cold start of {function}, over {starts.CLIENTS} alone (CPU)", most, over)


def _memory(figures: dict[str, Any]) -> Iterator[Row]:
    bodies = figures["4.4 MB"]["over_idle_in_bodies"]
    yield _row("peak memory over the idle process, in bodies of 4.4 MB", 3.0, bodies)


def _row(what: str, target: float, measured: float) -> Row:
    return what, f"at most {target:g}", f"{measured:g}", "yes" if measured <= target else "no"


def _against(
    rows: list[dict[str, Any]], server: str, targets: Mapping[str, float]
) -> Iterator[Row]:
    medians = {
        (row["server"], row["case"]): row["cpu_ms"] for row in rows if row["connections"] == 1
    }
    for case in CASES:
        if (server, case) in medians:
            over = ratio(medians["stowport", case], medians[server, case])
            yield _row(f"CPU per instance against {server}, {case}", targets[case], over)


def _wait(figures: dict[str, Any]) -> Iterator[Row]:
    sendings = figures["sendings"]
    for name, target in (("ct1", 1.25), ("ct10", 1.4)):
        over = sendings[name]["over_chain"]
        what = f"time to the answer to {name}, over its chain of calls"
        yield _row(what, target, over["whole"])
        yield _row(f"{what}, without the stand-in of the gateway", target, over["rest"])


def _calls(figures: dict[str, Any]) -> Iterator[Row]:
    names = ("PutObject", "BatchGetItem", "BatchExecuteStatement", "UpdateItem", "PutItem")
    for case, sent in figures.items():
        calls = sum(sent["first"].get(name, 0) for name in names)
        most = 2 * CASES[case].instances + 3
        yield _row(f"AWS calls of {case}: two per instance, plus three", most, calls)
    again = sum(sent["again"].get("PutObject", 0) for sent in figures.values())
    yield _row("objects written when studies are sent again", 0, again)


_SECTIONS = {
    "servers": _servers,
    "wait": _wait,
    "floor": _floor,
    "growth": _growth,
    "studies": _studies,
    "cold_start": _cold_start,
    "memory": _memory,
    "calls": _calls,
    "large": large_report.targets,
}

"""The tables and the curves of docs/scale.md."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypedDict

from tests.bench.latencies import Latency
from tests.bench.plots import Curves
from tests.bench.scale import rows
from tests.bench.scale.capacity import capacities, cycle_seconds, first_to_bind, function_seconds
from tests.bench.scale.parameters import SOURCES
from tests.bench.scale.rows import name_of
from tests.bench.scale.scenarios import (
    BETWEEN,
    CURVES,
    DEFAULT,
    GOT,
    HELD,
    LARGE,
    MOVED,
    SENDERS,
    Scenario,
    Upload,
    workloads,
)
from tests.bench.scale.senders import Got, percentile
from tests.bench.scale.uploads import INGESTING_SOURCES, Ingesting
from tests.markdown import table

Runs = Mapping[Scenario | Upload, Got]


class Plot(TypedDict):
    """What ``plots.lines`` draws."""

    title: str
    across: str
    up: str
    curves: Curves
    logarithmic: bool


def scenarios() -> Iterable[Scenario | Upload]:
    """Return all that is run for the page."""
    return (*GOT, *CURVES, *HELD, *MOVED.values(), *LARGE)


def tables(runs: Runs) -> dict[str, str]:
    """Return the tables of the page."""
    moved = ((step, *rows.of_run(each, runs[each])) for step, each in MOVED.items())
    return formulas() | {
        "Table 4": table(rows.OF_RUN, (rows.of_run(each, runs[each]) for each in GOT)),
        "Table 5": table(rows.OF_RUN, (rows.of_run(each, runs[each]) for each in HELD)),
        "Table 6": table(("limits", *rows.OF_RUN), moved),
        "Table 7": table(rows.OF_UPLOADS, (rows.of_uploads(each, runs[each]) for each in LARGE)),
        "Table 8": table(rows.CHECKED, (rows.checked(each, runs[each]) for each in GOT)),
    }


def formulas() -> dict[str, str]:
    """Return the tables that need no run."""
    return {"Table 1": _parameters(), "Table 2": _requests(), "Table 3": _capacities()}


def plots(runs: Runs) -> dict[str, Plot]:
    """Return what is drawn, by the name of the file."""
    return {
        "scale-throughput": _plot(runs, "Throughput", "instances a second", lambda got: got.rate),
        "scale-stored": _plot(
            runs,
            "From the first try until stored, 99th percentile",
            "seconds",
            lambda got: percentile(got.stored, 99),
        ),
    }


def _parameters() -> str:
    ingesting = Ingesting(at_once=4)
    cells = (
        (name, _value(getattr(given, name)), what, source)
        for given, sources in ((DEFAULT, SOURCES), (ingesting, INGESTING_SOURCES))
        for name, (what, source) in sources.items()
    )
    return table(("parameter", "value", "what it is", "where it is from"), cells)


def _value(value: float | tuple[float, ...] | Latency | None) -> str:
    match value:
        case None:
            return "none"
        case Latency():
            return f"{value.median:g}, {value.p99:g}"
        case tuple():
            return ", ".join(f"{each:,g}" for each in value)
        case _:
            return f"{value:,.10g}"


def _requests() -> str:
    cells = (
        (
            each.name,
            each.instances,
            f"{each.instances * each.size / 1e6:.2f}",
            f"{each.processor(each.instances) * 1000:.1f}",
            f"{function_seconds(each, DEFAULT) * 1000:.0f}",
            f"{cycle_seconds(each, DEFAULT) * 1000:.0f}",
            each.instances,
            each.instances + 2,
            f"{rows.dollars(each):.2f}",
        )
        for each in workloads()
        if not each.one_study
    )
    head = (
        *("request", "instances", "MB", "processor, ms", "function, ms", "sender, ms"),
        *("write units", "read units", "US dollars for a million instances"),
    )
    return table(head, cells)


def _capacities() -> str:
    found = {name_of(each): each for each in workloads()}
    lines: list[tuple[str, ...]] = [
        (limit, *(f"{capacities(each, DEFAULT)[limit]:,.0f}" for each in found.values()))
        for limit in capacities(workloads()[0], DEFAULT)
    ]
    least = [first_to_bind(each, DEFAULT) for each in found.values()]
    lines.append(("**binds first**", *(f"**{limit}**" for limit, _ in least)))
    reached = (
        f"{rate / each.instances * cycle_seconds(each, DEFAULT):,.0f}"
        for (_, rate), each in zip(least, found.values(), strict=True)
    )
    lines.append(("senders that reach it", *reached))
    return table(("limit", *found), lines)


def _plot(runs: Runs, title: str, up: str, height: Callable[[Got], float]) -> Plot:
    curves = {
        name_of(workload): [
            (float(number), float(f"{height(runs[Scenario(workload, number)]):.4g}"))
            for number in sorted(SENDERS + BETWEEN)
        ]
        for workload in workloads()
    }
    return {"title": title, "across": "senders", "up": up, "curves": curves, "logarithmic": True}

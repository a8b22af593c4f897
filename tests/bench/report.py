"""docs/performance.md, made from the figures; what they mean is in ``explanation.md``."""

from pathlib import Path
from typing import Any

from tests.bench import large_report, starts, studies, wait_report
from tests.bench.cost import SECONDS
from tests.bench.instances import CASES
from tests.bench.targets import targets
from tests.markdown import table

_EXPLANATION = Path(__file__).with_name("explanation.md")

_TRIED = """
**A trial with {scale:g} of the repetitions of a full run: do not quote these figures.**
"""

Figures = dict[str, Any]


def of(result: Figures) -> str:
    """Return the report; a section that was not measured is not in it."""
    sections = {
        "servers": _servers,
        "wait": wait_report.section,
        "parts": _parts,
        "floor": _floor,
        "growth": _growth,
        "studies": studies.report,
        "cold_start": starts.report,
        "memory": _memory,
        "calls": _calls,
        "cost": _cost,
        "large": large_report.written,
    }
    parts = [_head(result), _targets(result)]
    parts += [write(result[name]) for name, write in sections.items() if name in result]
    return "\n".join([*parts, _EXPLANATION.read_text("utf-8")])


def _spread(figures: dict[str, float]) -> str:
    return f"{figures['median']:g} ({figures['min']:g} to {figures['max']:g})"


def _head(result: Figures) -> str:
    machine = result["machine"]
    tried = "" if result["scale"] >= 1 else _TRIED.format(scale=result["scale"])
    return f"""# Performance
{tried}
`make bench` measures all of this and writes this page. Measured on {result["when"]}: \
{machine["processor"]}, {machine["cores"]} cores, {machine["memory_gib"]} GiB, Linux \
{machine["kernel"]}, Python 3.13, everything over loopback. Figures are medians, with the least
and the greatest in brackets. CPU is that of the named process only, including its kernel time: on
a shared machine it varies less than wall time. Each ratio compares figures of the same run.
"""


def _targets(result: Figures) -> str:
    head = ("what", "target", "measured", "met")
    return "\n## Targets\n\n" + table(head, targets(result))


def _servers(figures: Figures) -> str:
    by_case: dict[tuple[str, int], Figures] = {}
    for row in figures["rows"]:
        by_case.setdefault((row["case"], row["connections"]), {})[row["server"]] = row
    names = list(dict.fromkeys(row["server"] for row in figures["rows"]))
    rows = []
    for (case, connections), servers in by_case.items():
        cells = [_server(servers[name]) for name in names]
        rows.append((case, connections, *cells))
    cases = "".join(
        f"* `{case.name}`: {case.instances} of {case.rows} x {case.columns} pixels of 16 bits\n"
        for case in CASES.values()
    )
    left_out = "".join(f"\nLeft out: {name}: {why}.\n" for name, why in figures["left_out"].items())
    return f"""
## Same work as a server

CPU milliseconds per instance. Every study is new. stowport is the function's process under AWS's
own runtime client; its gateway, S3 and DynamoDB are other processes and are not counted. Orthanc
and tiny-pacs write to tmpfs and do not sync. tiny-pacs takes
long, and gets a third of the requests.

{cases}
{table(("case", "connections", *names), rows)}{left_out}"""


def _server(row: Figures) -> str:
    failed = f"; {row['failed']} of {row['requests']} requests failed" if row["failed"] else ""
    return f"{_spread(row['cpu_ms'])}; peak {row['peak_mb']} MB{failed}"


def _parts(figures: Figures) -> str:
    cases = list(figures)
    rows, below = [], dict.fromkeys(cases, 0.0)
    for variant in figures[cases[0]]:
        medians = {case: figures[case][variant]["median"] for case in cases}
        rows.append((variant, *(f"{medians[case] - below[case]:.1f}" for case in cases)))
        below = medians
    rows.append(("total", *(_spread(each[variant]) for each in figures.values())))
    return f"""
## What a request is made of

CPU milliseconds per request, over one connection, of functions that each do more than the one
before: a line is the median of one function minus that of the previous one. The first function
returns at once.

{table(("what", *cases), rows)}"""


def _floor(figures: Figures) -> str:
    rows = [
        (step, _spread(figures["cpu"][step]), _spread(figures["wall"][step]))
        for step in ("json.loads", "base64", "sha256", "send", "floor", "handler", "over_floor")
    ]
    return f"""
## Distance to the floor

One instance of 4.4 MB: the steps that every handler needs, each done once, and the handler's total
time including `json.loads`, in the same process (ms).

{table(("step", "CPU", "wall"), rows)}"""


def _growth(figures: Figures) -> str:
    titles = {
        "instances": "instances per request, 3 KB each",
        "instances_without_calls": "the same without the calls to S3 and DynamoDB",
        "bytes": "bytes per instance",
        "elements": "elements per instance, in addition to its own 60",
        "boundaries": "2.1 MB of pixels",
        "filled_table": "10 more instances, added to",
    }
    text = "\n## Growth\n\nMilliseconds per instance.\n"
    for name, title in titles.items():
        rows = [
            (point, _spread(each["cpu_ms"]), _spread(each["wall_ms"]))
            for point, each in figures[name].items()
        ]
        text += "\n" + table((title, "CPU", "wall"), rows)
    filled = figures["filled_table"].values()
    same = len({(each["calls"], each["write_units"]) for each in filled}) == 1
    return (
        text
        + f"\nThe filled table takes {'the same' if same else 'OTHER'} calls and write units.\n"
    )


def _memory(figures: Figures) -> str:
    rows = [
        (
            size,
            each["idle_mb"],
            each["peak_mb"],
            each["over_idle_in_bodies"],
            each["runtime_client_in_bodies"],
        )
        for size, each in figures.items()
    ]
    head = ("body", "idle MB", "peak MB", "peak over idle, in bodies", "same, runtime client alone")
    return "\n## Memory\n\n" + table(head, rows)


def _calls(figures: Figures) -> str:
    writes = ("BatchExecuteStatement", "UpdateItem", "PutItem")
    names = ("PutObject", "BatchGetItem", *writes, "write units", "read units")
    rows = [
        (case, sent, *(each[sent].get(name, 0) for name in names))
        for case, each in figures.items()
        for sent in ("first", "again")
    ]
    return "\n## Calls of a request\n\n" + table(("case", "sent", *names), rows)


def _cost(figures: Figures) -> str:
    rows = []
    for case, each in figures.items():
        for memory, function in each["lambda"].items():
            rest = each["api_gateway"] + each["s3"] + each["dynamodb"]
            total = round(function["dollars"] + rest, 2)
            prices = (function["dollars"], each["api_gateway"], each["s3"], each["dynamodb"])
            rows.append((case, memory, function["milliseconds"], *prices, total))
    head = ("case", "MiB", "ms per request", "Lambda", "API Gateway", "S3", "DynamoDB", "total")
    return f"""
## A million instances

US dollars, us-east-1, arm64, on demand. The duration is the CPU measured above, stretched below
1769 MiB as Lambda does, and an assumed wait of {_milliseconds("PutObject")} for a PutObject, 16 of
which run in parallel, {_milliseconds("BatchExecuteStatement")} for a batch of writes, and
{_milliseconds("BatchGetItem")} for a batch of reads. The items of study and series are written
while objects are put. Storage and logs are not included.

{table(head, rows)}"""


def _milliseconds(operation: str) -> str:
    return f"{SECONDS[operation] * 1000:g} ms"

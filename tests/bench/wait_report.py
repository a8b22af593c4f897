"""What docs/performance.md says about the wait, and its plots."""

from pathlib import Path
from typing import Any

from tests.bench import plots
from tests.bench.latencies import LATENCIES, Latency
from tests.bench.setting import ROOT
from tests.bench.wait import AT_ONCE, PEERS, STOWPORT, TEN_AT_ONCE
from tests.markdown import table

_PLOTTED = {"ct1": "ct1", "ct10": "ct10", TEN_AT_ONCE: "ten-at-once"}
"""The names of the files of those that are plotted."""

_OVER_HEAD = (
    "request",
    "requests",
    "chain: p50, p99",
    "answer: p50, p99",
    "answers at once: p50",
    "answer over chain",
    "without what answers at once",
)


def section(figures: dict[str, Any]) -> str:
    """Return the section of the page."""
    sendings = figures["sendings"]
    over = [
        (
            name,
            each["servers"][STOWPORT]["requests"],
            _both(each["chain"]),
            _both(each["servers"][STOWPORT]["answer"]),
            f"{each['servers'][AT_ONCE]['answer']['p50']:g}",
            f"{each['over_chain']['whole']:g}",
            "-" if name == TEN_AT_ONCE else f"{each['over_chain']['rest']:g}",
        )
        for name, each in sendings.items()
    ]
    beyond = [(name, *each["beyond_ms"].values()) for name, each in sendings.items()]
    places = next(iter(sendings.values()))["beyond_ms"]
    servers = [name for name in (STOWPORT, *PEERS) if name not in figures["left_out"]]
    beside = [
        (name, *(_beside(each["servers"][server]) for server in servers))
        for name, each in sendings.items()
    ]
    left_out = "".join(f"\nLeft out: {name}: {why}.\n" for name, why in figures["left_out"].items())
    images = "\n".join(
        f"![Share of the requests answered within a time: {name}](plots/{_file(name).name})"
        for name in _PLOTTED
    )
    return f"""
## The wait

Wall milliseconds from the first byte of a request to the last of its answer, at a sender on this
machine: median, and what 99 of 100 requests do not exceed. The stand-in for AWS takes its time to
answer: {_assumed()}. The chain is what a request for a new study cannot do without: the read, its
objects (16 at a time), and the item of each instance, where the items of study and series are
written while objects are put. Each call counts as long as the stand-in took for this very request.
A function that answers at once stands behind the same gateway and the same runtime client, and gets
the same requests: what it takes is the stand-in for the gateway, the runtime client, and the way
there and back. The last two columns are medians over all requests of what the answer took, in
chains: all of it, and without what that function takes. Ten requests at the same time wait for the
cores of this machine, whoever answers them.

{table(_OVER_HEAD, over)}
Where the rest of the time goes, beyond the chain (median milliseconds):

{table(("request", *places), beyond)}
The same requests to Orthanc, in turns: milliseconds to the answer, and CPU milliseconds for each
request of the function, or of Orthanc and all processes of its database. Orthanc with PostgreSQL
keeps files and database on this machine's disk and syncs both, as it does unless told otherwise;
its database is local, and no network is between them. Orthanc with SQLite writes to tmpfs and syncs
nothing. Debian has no plugin for Orthanc that keeps files in S3, so neither waits for S3.

{table(("request", *servers), beside)}{left_out}
{images}
"""


def _both(figures: dict[str, float]) -> str:
    return f"{figures['p50']:g}, {figures['p99']:g}"


def _beside(server: dict[str, Any]) -> str:
    failed = server["failed"]
    failures = f"; {failed} of {server['requests']} requests failed" if failed else ""
    return f"{_both(server['answer'])}; CPU {server['cpu_ms']['median']:g}{failures}"


def _assumed() -> str:
    def words(latency: Latency) -> str:
        return f"{latency.median * 1000:g} ms (p99 {latency.p99 * 1000:g})"

    read, write = LATENCIES["BatchGetItem"], LATENCIES["BatchExecuteStatement"]
    return (
        f"S3 {words(LATENCIES['PutObject'])}, DynamoDB {words(read)} for a read and\n"
        f"{words(write)} for a write, log-normal"
    )


def draw(figures: dict[str, Any]) -> None:
    """Draw what the section shows."""
    for name in _PLOTTED:
        curves = {
            server: _points(seconds)
            for server, seconds in figures["sendings"][name]["seconds"].items()
            if server != AT_ONCE
        }
        plots.lines(
            _file(name),
            title=f"Time to the answer: {name}",
            across="milliseconds",
            up="share of the requests",
            curves=curves,
        )


def _points(seconds: list[float]) -> list[tuple[float, float]]:
    """Return milliseconds and the share of ``seconds`` up to them, at most some forty points."""
    every = max(1, len(seconds) // 40)
    points = [(second * 1000, (number + 1) / len(seconds)) for number, second in enumerate(seconds)]
    return [*points[:-1:every], points[-1]]


def _file(name: str) -> Path:
    return ROOT / "docs" / "plots" / f"wait-{_PLOTTED[name]}.svg"

"""The large path in docs/performance.md: its targets and its tables."""

from collections.abc import Iterator
from typing import Any

from tests.bench.figures import ratio
from tests.markdown import table

_PLAIN, _SEND, _RELAYED = "PutObject", "send", "send through a relay"
_PLACES = {"client": "to a sink", "service": "to the local service"}
_LEAST = {"small": 0.8, "large": 0.6}
_LEAST_INGEST = 0.6
_MOST_RELAYED = 1.3
_INGESTS = {"ingest": "as fast as memory", "ingest at S3's rate": "at S3's rate"}
_STEPS = ("download", "framing", "digest", "copy")

Figures = dict[str, Any]


def targets(figures: Figures) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for each target: throughput over that of the plain way, and time of the relay."""
    for place, where in _PLACES.items():
        names = _names(figures, place)
        for what, least in _LEAST.items():
            ways = figures[place][what]
            over = ratio(ways[_PLAIN]["wall"], ways[_SEND]["wall"])
            yield _at_least(f"`send` {where}, {names[what]}, over PutObject", least, over)
    names = _names(figures, "client")
    for name, kind in _INGESTS.items():
        each = figures[name]
        over = ratio(each["CopyObject"]["wall"], each["ingest"]["wall"])
        yield _at_least(f"ingest of {names['large']}, over CopyObject, {kind}", _LEAST_INGEST, over)
    for place, where in _PLACES.items():
        ways, names = figures[place]["small"], _names(figures, place)
        over = ratio(ways[_RELAYED]["wall"], ways[_SEND]["wall"])
        met = "yes" if over <= _MOST_RELAYED else "no"
        what = f"`relay` {where}, {names['small']}, time over that of `send`"
        yield what, f"at most {_MOST_RELAYED:g}", f"{over:g}", met


def _at_least(what: str, target: float, measured: float) -> tuple[str, str, str, str]:
    met = "yes" if measured >= target else "no"
    return f"{what} (throughput)", f"at least {target:g}", f"{measured:g}", met


def _names(figures: Figures, place: str) -> dict[str, str]:
    return {
        "small": f"{figures['files'][place]:,} files of {figures['bytes']['small'] / 1e6:.1f} MB",
        "large": f"one of {figures['bytes']['large'] / 1e9:.1f} GB",
    }


def written(figures: Figures) -> str:
    """Return the section."""
    head = ("what", "way", "seconds", "MB/s", "over PutObject", "CPU seconds")
    return f"""
## The large path

Whole processes, from their start to their exit code, with {figures["connections"]} connections. \
PutObject is boto3's, one call for each file, without checksums. First to a process that takes \
bodies and forgets them, which shows what the client can do; then to the whole local service \
(`make run`: gateway and functions are one process, S3 and DynamoDB another), and PutObject to its \
S3; one request of each kind goes before. Files are in memory, and nothing is encrypted.

To a sink:

{table(head, _sends(figures, "client"))}
To the local service:

{table(head, _sends(figures, "service"))}
Ingest of the same instance of {figures["ingest"]["size"] / 1e9:.1f} GB, in the function's own \
interpreter, and CopyObject of the same body in the same S3. This S3 keeps objects in files in \
memory and moves every byte. The second pair is limited to \
{figures["rate"] / 1e6:g} MB/s for each request, the rate that AWS's guidelines name ("Performance \
guidelines for Amazon S3": 85 to 90 MB/s for each concurrent request).

{table(("S3", "way", "seconds", *_STEPS, "rest", "CPU seconds", "CPU of S3"), _ingests(figures))}"""


def _sends(figures: Figures, place: str) -> Iterator[tuple[object, ...]]:
    names = _names(figures, place)
    numbers = {"small": figures["files"][place], "large": 1}
    for what, ways in figures[place].items():
        plain = ways[_PLAIN]["wall"]["median"]
        for name, each in ways.items():
            wall = each["wall"]["median"]
            cpu = (f"{kind} {each[kind]['median']:.1f}" for kind in each if kind != "wall")
            rate = figures["bytes"][what] * numbers[what] / 1e6 / wall
            yield (
                names[what],
                name,
                _seconds(each["wall"]),
                f"{rate:.0f}",
                f"{plain / wall:.2f}",
                (", ".join(cpu)),
            )


def _ingests(figures: Figures) -> Iterator[tuple[object, ...]]:
    for name, kind in _INGESTS.items():
        for way in ("CopyObject", "ingest"):
            each = figures[name][way]
            steps = [each[step]["median"] if step in each else None for step in _STEPS]
            rest = each["wall"]["median"] - sum(step or 0 for step in steps)
            yield (
                kind,
                way,
                _seconds(each["wall"]),
                *("" if step is None else f"{step:.1f}" for step in steps),
                f"{rest:.1f}" if "copy" in each else "",
                f"{each['cpu']['median']:.1f}" if "cpu" in each else "",
                f"{each['s3']['median']:.1f}",
            )


def _seconds(figures: dict[str, float]) -> str:
    return f"{figures['median']:.1f} ({figures['min']:.1f} to {figures['max']:.1f})"

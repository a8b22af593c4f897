"""``build/bench/plots/bin/python tests/bench/drawing.py FILE < JSON``: what ``plots`` has drawn.

The file has no date and its identifiers are made from a fixed salt, so that it changes only with
what is drawn, which is its description. Its text is text and not outlines: it is small, and can
be searched.
"""

import json
import sys
from itertools import cycle
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

_STYLE = {
    "svg.hashsalt": "stowport",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Helvetica", "Arial"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.titlelocation": "left",
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.1,
    "grid.color": "#dddddd",
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
}
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's colours, which people with any colour vision can tell apart."""

_MARKERS = "osD^vPX"


def main() -> None:
    """Draw what the standard input says into the file."""
    text = sys.stdin.read()
    with mpl.rc_context(_STYLE):
        figure = _figure(json.loads(text))
        figure.savefig(
            sys.argv[1],
            format="svg",
            facecolor="white",
            metadata={"Date": None, "Creator": None, "Description": text},
        )


def _figure(drawn: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for (name, points), colour, marker in zip(
        drawn["curves"].items(), cycle(_COLOURS), cycle(_MARKERS), strict=False
    ):
        axes.plot(*zip(*points, strict=True), label=name, color=colour, marker=marker)
    axes.set(title=drawn["title"], xlabel=drawn["across"], ylabel=drawn["up"])
    if drawn["logarithmic"]:
        axes.set(xscale="log", yscale="log")
        axes.minorticks_off()
    else:
        axes.set_ylim(bottom=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_axisbelow(True)
    if len(drawn["curves"]) > 1:
        figure.legend(loc="outside right upper", frameon=False)
    return figure


if __name__ == "__main__":
    main()

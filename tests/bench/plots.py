"""Plots for the pages, as SVG. matplotlib draws them in an environment of its own."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.setting import ROOT

PYTHON = ROOT / "build" / "bench" / "plots" / "bin" / "python"
_DRAWING = Path(__file__).with_name("drawing.py")

Curves = Mapping[str, Sequence[tuple[float, float]]]


def lines(  # noqa: PLR0913 - each is named
    file: Path, *, title: str, across: str, up: str, curves: Curves, logarithmic: bool = False
) -> None:
    """Draw ``curves``, which are lists of points by name, into ``file``.

    ``across`` and ``up`` are the names of the axes; both are ``logarithmic`` or neither. The same
    input gives the same file, which has it as its description, in JSON. Raises FileNotFoundError if
    matplotlib is not installed.
    """
    if not PYTHON.exists():
        raise FileNotFoundError(f"found no {PYTHON}, expected what make bench-plots installs")
    drawn = {
        "title": title,
        "across": across,
        "up": up,
        "curves": {name: list(points) for name, points in curves.items()},
        "logarithmic": logarithmic,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([PYTHON, _DRAWING, file], input=json.dumps(drawn), text=True, check=True)

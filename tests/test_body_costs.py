"""Whatever the body: a second of processor time for each megabyte, and five bodies and 50 MB.

The bodies here have a megabyte or less, and are held to the second and the 55 MB of one.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.body_costs import BODIES, MB

pytestmark = pytest.mark.process

_ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def costs() -> dict[str, dict[str, float]]:
    """What each of the bodies costs, measured in one process that does nothing else."""
    folders = [str(_ROOT / folder) for folder in ("functions", "client", ".")]
    program = f"import sys; sys.path[:0] = {folders}; from tests.body_costs import main; main()"
    measured = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, cwd=_ROOT
    )
    found: dict[str, dict[str, float]] = json.loads(measured.stdout)
    return found


@pytest.mark.parametrize("kind", BODIES)
def test_no_body_costs_more_than_the_rule(costs: dict[str, dict[str, float]], kind: str) -> None:
    size, seconds, memory = costs[kind].values()
    bodies = max(size / MB, 1)
    assert seconds < bodies
    assert memory + size < (5 * bodies + 50) * MB

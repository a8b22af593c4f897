"""What the relay says about itself: one JSON object on each line of standard output.

A line has no UIDs and no names: of what a server or an instance says, only reason codes.
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime

Log = Callable[..., None]


def write(**fields: object) -> None:
    """Write a line with the time and those of ``fields`` that have a value."""
    given = {name: value for name, value in fields.items() if value not in (None, "", {})}
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    sys.stdout.write(json.dumps({"time": time, **given}) + "\n")
    sys.stdout.flush()

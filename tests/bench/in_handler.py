"""Runs where a function runs, and times its handler from inside: no part of Lambda is in the way.

``python in_handler.py HANDLER FOLDER RESULT`` handles the cases in FOLDER, in the order of their
names; the first is a warm-up. A case is a JSON object with the ``event``, and with what the
stand-in for AWS is asked before (``first``, a path, may be empty). Writes a JSON list to the file
RESULT, one object a case: the CPU and wall seconds of the handler, and what it returned.
"""

import gc
import json
import os
import sys
import time
import urllib.request
from importlib import import_module
from pathlib import Path
from typing import Any


class Context:
    """As much of Lambda's context as the handlers use."""

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def main(handler: str, folder: Path) -> list[dict[str, Any]]:
    module, _, name = handler.rpartition(".")
    handle = getattr(import_module(module), name)
    measured = []
    for path in sorted(folder.iterdir()):
        case = json.loads(path.read_bytes())
        if case["first"]:
            urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + case["first"]).close()
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        returned = handle(case["event"], Context())
        seconds = time.process_time() - cpu, time.perf_counter() - wall
        measured.append({"seconds": seconds, "returned": returned})
    return measured[1:]


if __name__ == "__main__":
    Path(sys.argv[3]).write_text(json.dumps(main(sys.argv[1], Path(sys.argv[2]))), "utf-8")

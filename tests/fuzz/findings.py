"""What a run finds: inputs that break an invariant, the smallest one for each place."""

import json
import traceback
from hashlib import sha256
from pathlib import Path

from tests.fuzz.cost import measure, measure_alone
from tests.fuzz.targets import Target

_ROOT = str(Path(__file__).parents[2])
_MOST_COSTLY = 10


class Findings:
    """The findings of one target, in a directory; a finding is an input and a text beside it."""

    def __init__(self, target: Target, directory: Path) -> None:
        self.target = target
        self.directory = directory
        self.sizes: dict[str, int] = {}
        self.executions = 0
        directory.mkdir(parents=True, exist_ok=True)

    def run(self, data: bytes) -> None:
        """Run the target; keep what it finds, and go on."""
        self.executions += 1
        try:
            excess = measure(self.target.run, data).excess(self.target.work)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self._keep(_place(error), data, "".join(traceback.format_exception(error)))
        else:
            if excess and sum(key.startswith("cost") for key in self.sizes) < _MOST_COSTLY:
                self._keep(f"cost {sha256(data).hexdigest()[:8]}", data, excess)

    def _keep(self, key: str, data: bytes, text: str) -> None:
        if len(data) < self.sizes.get(key, len(data) + 1):
            self.sizes[key] = len(data)
            path = self.directory / sha256(key.encode()).hexdigest()[:16]
            path.write_bytes(data)
            path.with_suffix(".txt").write_text(f"{key}\n{text}", "utf-8", "backslashreplace")


def _place(error: Exception) -> str:
    """Return what names an error for good: its type, and the last line of ours."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if _is_ours(each.filename)]
    said = str(error) if isinstance(error, AssertionError) else ""
    return f"{type(error).__name__} {frames[-1].filename}:{frames[-1].lineno} {said[:200]}"


def _is_ours(filename: str) -> bool:
    return filename.startswith(_ROOT) and ".venv" not in filename


def confirm(target: Target, data: bytes) -> str:
    """Run an input again, alone; say what is wrong with it, or nothing."""
    try:
        return measure_alone(target.run, data).excess(target.work)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return json.dumps(_place(error))

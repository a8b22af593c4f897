"""Print ``template.yaml`` with ``snapstart.yaml`` laid over it, for ``make build SNAPSTART=on``.

It reads both as SAM does, so it runs where the SAM CLI is.
"""

import json
import sys
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-not-found] # of SAM

HERE = Path(__file__).parent


def merged(below: object, above: object) -> object:
    """Return ``above`` over ``below``: mappings by key, and of anything else what is above."""
    if not isinstance(below, dict) or not isinstance(above, dict) or _is_intrinsic(above):
        return above
    return {**below, **{key: merged(below.get(key), value) for key, value in above.items()}}


def _is_intrinsic(node: dict[str, object]) -> bool:
    return len(node) == 1 and all(key == "Ref" or key.startswith("Fn::") for key in node)


if __name__ == "__main__":
    template, snapshots = (
        yaml_parse(path.read_text("utf-8"))
        for path in (HERE.parent / "template.yaml", HERE / "snapstart.yaml")
    )
    json.dump(merged(template, snapshots), sys.stdout, indent=2)

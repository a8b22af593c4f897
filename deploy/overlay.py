"""Print ``template.yaml`` with overlays laid over it: ``python deploy/overlay.py NAME ...``.

``NAME.yaml`` beside this file is an overlay. It reads all of them as SAM does, so it runs where the
SAM CLI is.
"""

import json
import sys
from functools import reduce
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

HERE = Path(__file__).parent


def merged(below: object, above: object) -> object:
    """Return ``above`` over ``below``: mappings by key, and of anything else what is above."""
    if not isinstance(below, dict) or not isinstance(above, dict) or _is_intrinsic(above):
        return above
    return {**below, **{key: merged(below.get(key), value) for key, value in above.items()}}


def _is_intrinsic(node: dict[str, object]) -> bool:
    return len(node) == 1 and all(key == "Ref" or key.startswith("Fn::") for key in node)


if __name__ == "__main__":
    paths = [HERE.parent / "template.yaml", *(HERE / f"{name}.yaml" for name in sys.argv[1:])]
    layers = [yaml_parse(path.read_text("utf-8")) for path in paths]
    json.dump(reduce(merged, layers), sys.stdout, indent=2)

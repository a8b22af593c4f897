"""Check the parameters of a deployment before anything is built or uploaded.

``python deploy/parameters.py TEMPLATE ENVIRONMENT [FLAG ...]``, where the SAM CLI is: the
parameters of ``ENVIRONMENT`` in samconfig.toml, over which go those of ``sam deploy``'s flags.
CloudFormation checks patterns and the template's Rules only after SAM has uploaded code and layers
(AWS CloudFormation User Guide, "Rules").
"""

import shlex
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from local.intrinsics import TemplateError
from local.template import Template

CONFIGURATION = "samconfig.toml"
_FLAG = "--parameter-overrides"


def configured(text: str, environment: str) -> dict[str, str]:
    """Return the parameters that samconfig.toml, ``text``, has for an environment.

    Raises TemplateError if it has no such environment.
    """
    tables = tomllib.loads(text)
    environments = {name: of for name, of in tables.items() if isinstance(of, dict)}
    if "deploy" not in environments.get(environment, {}):
        known = ", ".join(name for name, of in environments.items() if "deploy" in of)
        raise TemplateError(f"{CONFIGURATION} has no environment {environment}; it has: {known}")
    overrides = environments[environment]["deploy"]["parameters"].get("parameter_overrides", [])
    return pairs(shlex.split(overrides) if isinstance(overrides, str) else overrides)


def pairs(words: Sequence[str]) -> dict[str, str]:
    """Return ``Name=value`` words as a mapping."""
    return dict(word.split("=", 1) for word in words if "=" in word)


def flagged(flags: Sequence[str]) -> dict[str, str] | None:
    """Return the parameters that the flags of ``sam deploy`` give, which replace the configured."""
    if _FLAG not in flags:
        return None
    after = flags[flags.index(_FLAG) + 1 :]
    end = next((at for at, word in enumerate(after) if word.startswith("--")), len(after))
    return pairs(after[:end])


def main(template: str, environment: str, *flags: str) -> str | None:
    """Return what is wrong with the parameters, or None."""
    if "--guided" in flags:
        return None  # it asks for them
    try:
        chosen = flagged(flags)
        if chosen is None:
            chosen = configured(Path(CONFIGURATION).read_text(), environment)
        Template(Path(template), chosen)
    except TemplateError as error:
        return (
            f"{str(error).rstrip('.')}. Nothing was built or uploaded. Set the parameters in"
            f" {CONFIGURATION}, [{environment}.deploy.parameters], or deploy with --guided."
        )
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

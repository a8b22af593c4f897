"""The commands of docs/operations.md, run as the AWS CLI runs them, by boto3."""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def commands(heading: str) -> list[str]:
    """Return the commands below a heading of the manual, up to the next heading."""
    _, _, section = OPERATIONS.read_text("utf-8").partition(f"\n## {heading}\n")
    section = re.split(r"\n##+ ", section)[0]
    lines = "".join(_BLOCK.findall(section)).replace("\\\n", " ").splitlines()
    return [" ".join(line.split()) for line in lines]


def run(command: str, variables: Mapping[str, str]) -> Any:  # noqa: ANN401 - what AWS answers
    """Run ``aws SERVICE OPERATION --parameter value ...`` and return the answer."""
    expanded = re.sub(r"\$(\w+)", lambda match: variables[match[1]], command)
    program, service, operation, *rest = shlex.split(expanded)
    assert program == "aws"
    client: Any = boto3.client(service)  # type: ignore[call-overload] # any service
    if operation == "wait":
        waiter, *rest = rest
        return client.get_waiter(waiter.replace("-", "_")).wait(**dict(_parameters(rest)))
    return getattr(client, operation.replace("-", "_"))(**dict(_parameters(rest)))


def _parameters(words: list[str]) -> Iterator[tuple[str, object]]:
    while words:
        option, *words = words
        name = "".join(part.capitalize() for part in option.removeprefix("--").split("-"))
        if not words or words[0].startswith("--"):
            yield name, True
            continue
        value, *words = words
        key, assigned, flag = value.partition("=")
        yield name, {key: flag == "true"} if assigned else value

"""A stack that ``sam deploy`` makes of the built template in MiniStack."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3

from tests.torture import backends

ROOT = Path(__file__).parents[2]
SAM = ROOT / ".sam-venv" / "bin" / "sam"
TEMPLATE = ROOT / ".aws-sam" / "build" / "emulated.json"
EXAMPLES = ROOT / "examples" / "template.yaml"
REGION = "us-east-1"

_SECONDS = 300
_LAST = 1500


class NotDeployed(Exception):
    """``sam`` failed; the message is the end of what it printed."""


class Stack:
    """The stack ``name`` in the emulated AWS at ``endpoint``, of the built template or another."""

    def __init__(self, endpoint: str, name: str = "stowport", template: Path = TEMPLATE) -> None:
        self.name = name
        self._template = template
        self._endpoint = endpoint

    def deploy(self, **parameters: str) -> None:
        """Make or update the stack with these parameters; raises NotDeployed."""
        own = {"Architecture": _architecture(), "Authentication": "none"}
        values = {**(own if self._template == TEMPLATE else {}), **parameters}
        self._sam(
            "deploy",
            "--template-file",
            str(self._template),
            "--resolve-s3",
            "--capabilities",
            "CAPABILITY_IAM",
            "--no-confirm-changeset",
            "--parameter-overrides",
            *(f"{name}={value}" for name, value in values.items()),
        )

    def delete(self) -> None:
        """Delete the stack; raises NotDeployed."""
        self._sam("delete", "--no-prompts")

    @property
    def status(self) -> str:
        """Return the stack's status, or an empty text if there is none of its name."""
        found = self._cloudformation().list_stacks()["StackSummaries"]
        return next((each["StackStatus"] for each in found if each["StackName"] == self.name), "")

    @property
    def outputs(self) -> dict[str, str]:
        """Return the outputs by their names."""
        stack = self._cloudformation().describe_stacks(StackName=self.name)["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    @property
    def base_url(self) -> str:
        """Return the URL under which the emulator has what BaseUrl names."""
        parts = urlsplit(self.outputs["BaseUrl"])
        api = str(parts.hostname).partition(".")[0]
        return f"{self._endpoint}/_aws/execute-api/{api}{parts.path}"

    def _cloudformation(self) -> Any:  # noqa: ANN401 - its types are not installed
        return boto3.client("cloudformation")

    def _sam(self, command: str, *arguments: str) -> None:
        done = subprocess.run(
            [SAM, command, "--stack-name", self.name, "--region", REGION, *arguments],
            cwd=ROOT,
            env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise NotDeployed((done.stdout + done.stderr)[-_LAST:])


@contextmanager
def emulated() -> Iterator[str]:
    """Run MiniStack with all services; the clients of this process and of ``sam`` call it."""
    with backends.ministack(services="") as endpoint:
        os.environ |= {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": REGION,
        }
        yield endpoint


def _architecture() -> str:
    return "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()

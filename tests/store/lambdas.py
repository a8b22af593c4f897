"""Calls of the store function, as Lambda makes them, and what comes back."""

import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from lxml import etree

from store.handler import lambda_handler
from tests.store.deployment import Deployment, event


class Context(LambdaContext):
    """What is left of the function's time is all that is asked of it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        vars(self)["get_remaining_time_in_millis"] = lambda: int(self.seconds * 1000)


@dataclass(frozen=True)
class Reply:
    """A proxy response."""

    response: dict[str, Any]

    @property
    def status(self) -> int:
        return int(self.response["statusCode"])

    @property
    def headers(self) -> dict[str, str]:
        headers: dict[str, str] = self.response["headers"]
        return headers

    @property
    def warnings(self) -> list[str]:
        warnings: list[str] = self.response.get("multiValueHeaders", {}).get("Warning", [])
        return warnings

    @property
    def body(self) -> str:
        return str(self.response["body"])

    def values(self, keyword: str) -> list[str]:
        """Return the values of an attribute of a body in XML, at any depth."""
        root = etree.fromstring(self.body.encode())
        found = root.xpath(f"//*[@keyword='{keyword}']/*[local-name()='Value']/text()")
        assert isinstance(found, list)
        return [str(each) for each in found]

    def values_in(self, sequence: str, keyword: str) -> list[str]:
        """Return the values of an attribute in the items of a sequence of a body in XML."""
        root = etree.fromstring(self.body.encode())
        found = root.xpath(
            f"//*[@keyword='{sequence}']//*[@keyword='{keyword}']/*[local-name()='Value']/text()"
        )
        assert isinstance(found, list)
        return [str(each) for each in found]

    @property
    def failure_reasons(self) -> list[str]:
        return [f"{int(value):04X}" for value in self.values("FailureReason")]


class Store:
    """The store function of a deployment, and its log."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.log = StringIO()

    def send(self, name: str, *, seconds: float = 28, **changes: object) -> Reply:
        """Send a committed event; ``seconds`` are left of the function's time."""
        return self.invoke(event(f"store/{name}", **changes), context=Context(seconds))

    def invoke(self, sent: dict[str, Any], *, context: Context | None = None) -> Reply:
        with redirect_stdout(self.log):
            response = lambda_handler(sent, context or Context(28))
        return Reply(json.loads(json.dumps(response)))

    def lines(self) -> list[dict[str, Any]]:
        """Return what was logged and counted: JSON by the line."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

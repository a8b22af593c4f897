"""A REST API's REQUEST authorizer: ask the function, evaluate the policy it returns."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_ACTION = "execute-api:Invoke"


class InvalidPolicy(Exception):
    """What the authorizer function returned is not the output of an authorizer."""


def event(proxy_event: Mapping[str, Any], method_arn: str) -> dict[str, Any]:
    """Return the authorizer's event for the request of ``proxy_event``, which has no body."""
    request = {
        key: value for key, value in proxy_event.items() if key not in {"body", "isBase64Encoded"}
    }
    return {"type": "REQUEST", "methodArn": method_arn, **request}


def context(output: object) -> dict[str, Any]:
    """Return what is passed on to the function: ``requestContext.authorizer``.

    Raises
    ------
    InvalidPolicy
        There is no principal, or a value is not text, a number or a boolean.
    """
    if not isinstance(output, dict) or not isinstance(output.get("principalId"), str):
        raise InvalidPolicy("principalId is missing")
    values = output.get("context") or {}
    if not isinstance(values, dict) or any(
        not isinstance(value, str | int | float | None) for value in values.values()
    ):
        raise InvalidPolicy("context holds more than text, numbers and booleans")
    return {**values, "principalId": output["principalId"], "integrationLatency": 0}


def allows(output: Mapping[str, Any], method_arn: str) -> bool:
    """Return whether the policy allows the method: some statement does, and none denies it.

    Raises
    ------
    InvalidPolicy
        There is no policy document.
    """
    document = output.get("policyDocument")
    if not isinstance(document, dict):
        raise InvalidPolicy("policyDocument is missing")
    effects = set(_effects(document, method_arn))
    return "Allow" in effects and "Deny" not in effects


def _effects(document: Mapping[str, Any], method_arn: str) -> Iterator[str]:
    for statement in _list(document.get("Statement")):
        if not isinstance(statement, dict) or statement.get("Effect") not in {"Allow", "Deny"}:
            raise InvalidPolicy("a statement has no Effect")
        actions, resources = _list(statement.get("Action")), _list(statement.get("Resource"))
        named = any(_matches(str(action).lower(), _ACTION.lower()) for action in actions)
        if named and any(_matches(str(resource), method_arn) for resource in resources):
            yield statement["Effect"]


def _list(value: object) -> list[Any]:
    if value is None:
        raise InvalidPolicy("a statement is incomplete")
    return value if isinstance(value, list) else [value]


def _matches(pattern: str, text: str) -> bool:
    """Return whether ``text`` matches an IAM pattern: ``*`` is any text, ``?`` one character."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL) is not None

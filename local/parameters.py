"""The template's parameters: defaults, overrides and allowed values."""

import re
from collections.abc import Mapping
from typing import Any

from local.intrinsics import TemplateError


def values(
    definitions: Mapping[str, Mapping[str, Any]], overrides: Mapping[str, str]
) -> dict[str, str]:
    """Return the value of every parameter, as ``Ref`` gives it.

    Raises
    ------
    TemplateError
        A name that is not a parameter, a parameter without a value, a value that is not allowed.
    """
    for name in overrides:
        if name not in definitions:
            known = ", ".join(sorted(definitions))
            raise TemplateError(f"{name} is not a parameter of the template; these are: {known}")
    return {
        name: _value(name, definition, overrides.get(name, definition.get("Default")))
        for name, definition in definitions.items()
    }


def _value(name: str, definition: Mapping[str, Any], value: object) -> str:
    if value is None:
        raise TemplateError(f"{name} has no default: give it as {name}=value")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    _check(name, definition, text)
    return text


def _check(name: str, definition: Mapping[str, Any], text: str) -> None:
    allowed = [str(item) for item in definition.get("AllowedValues", ())]
    if allowed and text not in allowed:
        raise TemplateError(f"{name} is {text!r}; it must be one of: {', '.join(allowed)}")
    pattern = definition.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, text):
        expected = definition.get("ConstraintDescription") or f"it must match {pattern}"
        raise TemplateError(f"{name} is {text!r}; {expected}")
    if definition["Type"] == "Number":
        _check_number(name, definition, text)
    least, most = definition.get("MinLength", 0), definition.get("MaxLength", len(text))
    if not int(least) <= len(text) <= int(most):
        raise TemplateError(f"{name} has {len(text)} characters; it must have {least} to {most}")


def _check_number(name: str, definition: Mapping[str, Any], text: str) -> None:
    try:
        number = float(text)
    except ValueError:
        raise TemplateError(f"{name} is {text!r}; it must be a number") from None
    least, most = definition.get("MinValue", number), definition.get("MaxValue", number)
    if not float(least) <= number <= float(most):
        raise TemplateError(f"{name} is {text}; it must be from {least} to {most}")

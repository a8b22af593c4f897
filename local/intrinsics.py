"""Evaluate a CloudFormation template: parameters, conditions and intrinsic functions.

Only what is asked for is evaluated, so a template may hold functions that are unknown here as
long as nothing local depends on them. What cannot be evaluated is a :class:`TemplateError`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

NO_VALUE = object()
_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]+)\}")


class TemplateError(ValueError):
    """What is wrong with the template or with a parameter's value, in one line."""


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags: ``!Ref X`` is ``{"Ref": "X"}``."""


def _short_tag(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, object]:
    value: object = None
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_tag)


def parse(text: str) -> dict[str, Any]:
    """Return the template in ``text`` with every intrinsic function in its long form."""
    document = _Loader(text).get_single_data()
    if not isinstance(document, dict):
        raise TemplateError("the template is not a mapping")
    return document


class Intrinsics:
    """Evaluates nodes of one template.

    Parameters
    ----------
    document
        The template, as :func:`parse` returns it.
    references
        What ``Ref`` gives: parameters, pseudo parameters and the names of resources.
    attribute
        What ``Fn::GetAtt`` gives for a logical ID and an attribute's name.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        references: Mapping[str, object],
        attribute: Callable[[str, str], str],
    ) -> None:
        self._conditions: Mapping[str, object] = document.get("Conditions", {})
        self._mappings: Mapping[str, Any] = document.get("Mappings", {})
        self._references = {**references, "AWS::NoValue": NO_VALUE}
        self._attribute = attribute
        self._functions: dict[str, Callable[[Any], object]] = {
            "Ref": self._ref,
            "Condition": self.condition,
            "Fn::And": lambda operands: all(map(self.resolve, operands)),
            "Fn::Equals": lambda operands: (
                _text(self.resolve(operands[0])) == _text(self.resolve(operands[1]))
            ),
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::If": lambda operands: self.resolve(
                operands[1] if self.condition(operands[0]) else operands[2]
            ),
            "Fn::Join": lambda operands: operands[0].join(map(_text, self.resolve(operands[1]))),
            "Fn::Not": lambda operands: not self.resolve(operands[0]),
            "Fn::Or": lambda operands: any(map(self.resolve, operands)),
            "Fn::Select": lambda operands: self.resolve(operands[1])[int(operands[0])],
            "Fn::Split": lambda operands: _text(self.resolve(operands[1])).split(operands[0]),
            "Fn::Sub": self._sub,
        }

    def resolve(self, node: object) -> Any:  # noqa: ANN401  what a node becomes is the template's
        """Return ``node`` with every intrinsic function in it evaluated."""
        if isinstance(node, list):
            return [item for item in map(self.resolve, node) if item is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        name, operands = next(iter(node.items()), ("", None))
        if len(node) == 1 and (name in self._functions or name.startswith("Fn::")):
            return self._call(name, operands)
        return dict(self._items(node))

    def condition(self, name: str) -> bool:
        """Return whether the condition ``name`` is true."""
        if name not in self._conditions:
            raise TemplateError(f"there is no condition {name}")
        return bool(self.resolve(self._conditions[name]))

    def _items(self, node: dict[str, object]) -> Iterator[tuple[str, object]]:
        for key, item in node.items():
            value = self.resolve(item)
            if value is not NO_VALUE:
                yield key, value

    def _call(self, name: str, operands: object) -> object:
        if name not in self._functions:
            raise TemplateError(f"{name} is not evaluated by the local service")
        return self._functions[name](operands)

    def _ref(self, name: str) -> object:
        if name not in self._references:
            raise TemplateError(f"Ref names {name}, which the template does not define")
        return self._references[name]

    def _get_att(self, operands: str | list[str]) -> str:
        parts = operands.split(".", 1) if isinstance(operands, str) else operands
        return self._attribute(parts[0], parts[1])

    def _find_in_map(self, operands: list[object]) -> object:
        name, first, second = map(self.resolve, operands)
        return self.resolve(self._mappings[name][first][second])

    def _sub(self, operands: str | list[Any]) -> str:
        text, variables = (operands, {}) if isinstance(operands, str) else operands
        values = self.resolve(variables)

        def substitute(match: re.Match[str]) -> str:
            literal, name = match[1], match[2].strip()
            if literal:
                return f"${{{name}}}"
            if name in values:
                return _text(values[name])
            return self._get_att(name) if "." in name else _text(self._ref(name))

        return _PLACEHOLDER.sub(substitute, text)


def _text(value: object) -> str:
    """Return ``value`` as CloudFormation compares and joins it: true is ``true``."""
    return str(value).lower() if isinstance(value, bool) else str(value)

"""A configuration file: each long option of the command line is a key of it (TOML)."""

import argparse
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_NOT_KEYS = ("help", "config")


class Configuration(argparse.Action):
    """``--config FILE``: takes the options of the file as if they stood here.

    Raises argparse.ArgumentError, which names the file and the key.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Read the file into ``namespace``."""
        del option_string
        place = Path(str(values))
        try:
            for option, value in _read(place):
                self._take(parser, namespace, option, value)
        except (OSError, ValueError, argparse.ArgumentTypeError) as error:
            words = error.strerror if isinstance(error, OSError) else str(error)
            raise argparse.ArgumentError(self, f"{place}: {words}") from error

    def _take(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        key: str,
        value: object,
    ) -> None:
        """Do what the option does on the command line."""
        action = parser._option_string_actions.get(f"--{key}")  # noqa: SLF001 - no public list
        if action is None or key in _NOT_KEYS:
            raise ValueError(f"{key}: expected the name of an option without its hyphens")
        action.required = False
        if action.nargs == 0:
            if not isinstance(value, bool):
                raise ValueError(f"{key}: expected true or false")
            if value:
                action(parser, namespace, [], f"--{key}")
            return
        if isinstance(action.nargs, int):
            if not isinstance(value, list) or len(value) != action.nargs:
                raise ValueError(f"{key}: expected a list of {action.nargs}")
            action(parser, namespace, [_typed(action, key, each) for each in value], f"--{key}")
            return
        for each in value if isinstance(value, list) else [value]:
            action(parser, namespace, _typed(action, key, each), f"--{key}")


def _typed(action: argparse.Action, key: str, value: object) -> Any:  # noqa: ANN401 - as argparse
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{key}: expected a text or a number")  # noqa: TRY004 - not of a program
    try:
        return action.type(str(value)) if callable(action.type) else str(value)
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise ValueError(f"{key}: {error}") from error


def _read(place: Path) -> Iterator[tuple[str, object]]:
    with place.open("rb") as stream:
        settings: Mapping[str, object] = tomllib.load(stream)
    yield from settings.items()

"""The access log of the gateway: its lines go to the functions that are subscribed to it.

Only the lines of what the gateway itself answers, which is all that a subscription asks for.
"""

import gzip
import json
import re
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from local.intrinsics import TemplateError
from local.lambda_service import FunctionError, InvocationError, LambdaService, in_daemon_thread
from local.template import Function, Template

_VARIABLE = re.compile(r"\$context\.([A-Za-z.]+)")
_TERM = r'\(\$\.(\w+) = "([^"*]+)"\)'
_PATTERN = re.compile(rf"\{{ {_TERM}( \|\| {_TERM})* \}}")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A ``CloudWatchLogs`` event of a function: it gets lines of which one of ``terms`` is true."""

    function: Function
    terms: Sequence[tuple[str, str]]


def read(template: Template) -> list[Subscription]:
    """Return the subscriptions of the template's functions.

    Raises
    ------
    TemplateError
        The filter pattern of one is not a list of alternatives.
    """
    return [
        Subscription(function, _terms(event["Properties"]["FilterPattern"]))
        for function in template.functions
        for event in function.events
        if event["Type"] == "CloudWatchLogs"
    ]


def _terms(pattern: str) -> list[tuple[str, str]]:
    if not _PATTERN.fullmatch(pattern):
        raise TemplateError(
            f'the local service supports only filter patterns such as {{ ($.a = "b") || '
            f'($.c = "d") }}; {pattern} is another kind'
        )
    return re.findall(_TERM, pattern)


class AccessLog:
    """Lines of a ``form``, JSON with variables of ``$context``, for ``subscriptions``."""

    def __init__(
        self,
        form: str,
        subscriptions: Sequence[Subscription],
        functions: LambdaService,
        log: Callable[[str], None],
    ) -> None:
        self._form: dict[str, str] = json.loads(form)
        self._subscriptions = subscriptions
        self._functions = functions
        self._log = log

    def write(self, context: Mapping[str, str]) -> None:
        """Write a line and hand it over; nobody waits for the functions."""
        line = {
            name: _VARIABLE.sub(lambda match: context.get(match[1], "-"), variable)
            for name, variable in self._form.items()
        }
        for each in self._subscriptions:
            if any(line.get(name) == value for name, value in each.terms):
                in_daemon_thread(partial(self._deliver, each.function, line))

    def _deliver(self, function: Function, line: Mapping[str, str]) -> None:
        event = {"id": "0", "timestamp": int(time.time() * 1000), "message": json.dumps(line)}
        packed = json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [event]}).encode()
        try:
            data = b64encode(gzip.compress(packed)).decode()
            self._functions.invoke(function, {"awslogs": {"data": data}})
            result = "done"
        except (FunctionError, InvocationError) as error:
            result = f"failed ({type(error).__name__})"
        self._log(f"{function.name} access log {line['requestId']} {result}")

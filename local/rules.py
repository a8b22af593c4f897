"""moto's rules of EventBridge, which hand their targets the event as it is.

moto (5.2.5) looks for an input transformer at each target, with a library that only it would need.
"""

from typing import Any

# The method that gives an event to the targets; it can be told to leave transformers out.
from moto.events.models import Rule

_send_to_targets = Rule.send_to_targets


def send_events_as_they_are() -> None:
    """Make moto's rules send what is put on a bus to their targets, unchanged."""
    rule: Any = Rule
    rule.send_to_targets = _send


def _send(rule: Rule, event: Any, transform_input: bool = False) -> None:  # noqa: ANN401, ARG001, FBT001, FBT002  moto's
    _send_to_targets(rule, event, transform_input=False)

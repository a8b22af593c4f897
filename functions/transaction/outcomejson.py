"""The result of an upload as JSON, which is kept until the sender asks for it.

::

    {"outcomes": [{"stored": {...}}, {"failed": {...}}]}    one for each part, in order
    {"refusal": {"status": 400, "reason": 49152, "text": "..."}}
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from dicomweb.outcomes import Failed, Outcome, SOPReference, Stored
from dicomweb.reasons import FailureReason, WarningReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request of which nothing was stored, and why not."""

    status: HTTPStatus
    reason: FailureReason
    text: str


Result = Sequence[Outcome] | Refusal


def encode(result: Result) -> str:
    """Return ``result`` as JSON."""
    if isinstance(result, Refusal):
        return json.dumps({"refusal": asdict(result)})
    return json.dumps(
        {"outcomes": [{type(outcome).__name__.lower(): asdict(outcome)} for outcome in result]}
    )


def decode(text: str) -> Result:
    """Return the result that was encoded."""
    document = json.loads(text)
    if "refusal" in document:
        refusal = document["refusal"]
        return Refusal(
            status=HTTPStatus(refusal["status"]),
            reason=FailureReason(refusal["reason"]),
            text=refusal["text"],
        )
    return [_outcome(each) for each in document["outcomes"]]


def _outcome(document: Mapping[str, Any]) -> Outcome:
    ((kind, fields),) = document.items()
    reference = SOPReference(**fields["reference"]) if fields["reference"] else None
    if kind == "failed":
        reason = FailureReason(fields["reason"])
        return Failed(**{**fields, "reference": reference, "reason": reason})
    warning = None if fields["warning"] is None else WarningReason(fields["warning"])
    return Stored(**{**fields, "reference": reference, "warning": warning})

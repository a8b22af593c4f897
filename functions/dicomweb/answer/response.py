"""The answer to a store transaction, whoever serves it (PS3.18 10.5.3).

It is a report, the Store Instances Response Module, or, if nothing of the request was stored, a
refusal, a Status Report (PS3.18 8.6.3). The server that sends it adds what depends on the server:
the form of a response, when to send again, who may read it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from http import HTTPStatus

from dicomweb.answer.responsemodule import (
    encode,
    status_report,
    store_instances_response,
    study_url,
)
from dicomweb.errors import RequestRejected
from dicomweb.outcomes import Failed, Outcome, Stored, status_of
from dicomweb.reasons import FailureReason

Reason = IntEnum
"""A Failure Reason or a Warning Reason of one of the transactions."""

UNFORESEEN = "the request could not be processed because of an unforeseen error: send it again"

_MAX_WARNING_BYTES = 4096
"""For all Warning fields together: API Gateway allows 10,240 bytes of header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreResponse:
    """An answer: its status, its text, its own header fields, and reasons for the Warning field.

    If it has ``content``, its body is these bytes and not a text. A 503 with ``given_up`` is final,
    so it is sent without Retry-After.
    """

    status: HTTPStatus
    media_type: str
    body: str
    warnings: Sequence[tuple[Reason | None, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    given_up: bool = False
    content: bytes | None = None


def report(outcomes: Sequence[Outcome], media_type: str, retrieve_base_url: str) -> StoreResponse:
    """Answer with the Store Instances Response Module."""
    stored = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    warned = [(instance.warning, instance.text) for instance in stored if instance.warning]
    url = study_url(stored, retrieve_base_url)
    return StoreResponse(
        status=status_of(outcomes),
        media_type=media_type,
        body=encode(store_instances_response(outcomes, retrieve_base_url), media_type),
        warnings=[*((failure.reason, failure.text) for failure in failed), *warned],
        headers={"Location": url} if url else {},
    )


def refusal(status: HTTPStatus, reason: Reason, text: str, media_type: str) -> StoreResponse:
    """Answer with a Status Report a request of which nothing was stored."""
    return StoreResponse(
        status=status,
        media_type=media_type,
        body=encode(status_report(text), media_type),
        warnings=[(reason, text)],
    )


def refusal_of(
    error: Exception, unforeseen: str = UNFORESEEN
) -> tuple[HTTPStatus, FailureReason, str]:
    """Return status, reason and text for a request that ``error`` ended.

    The last resort for an unforeseen error is 503, with the text ``unforeseen``: any status
    outside the closed set would be worse.
    """
    if isinstance(error, RequestRejected):
        return error.status, error.reason, str(error)
    return HTTPStatus.SERVICE_UNAVAILABLE, FailureReason.PROCESSING_FAILURE, unforeseen


def warning_values(warnings: Iterable[tuple[Reason | None, str]], agent: str) -> Iterator[str]:
    """Yield one Warning value for each distinct reason (RFC 7234 5.5, PS3.18 10.5.3.2).

    Only the first text of a reason is used, and ``agent`` is the server that says so. The form is
    dcm4chee's: warn-code 299, and the reason in hex before the text.
    """
    seen: set[Reason | None] = set()
    left = _MAX_WARNING_BYTES
    for reason, text in warnings:
        if reason in seen:
            continue
        seen.add(reason)
        code = "" if reason is None else f"{reason:04X}: "
        value = f'299 {agent} "{code}{_quotable(text)}"'
        left -= len(value)
        if left < 0:
            return
        yield value


def _quotable(text: str) -> str:
    """Return ``text`` fit for a quoted string: a line break in it would begin another field."""
    printable = "".join(each if " " <= each <= "~" else "?" for each in text)
    return printable.replace("\\", "/").replace('"', "'")

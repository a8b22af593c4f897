"""The answers to a store transaction: the response module, or a Status Report (PS3.18 10.5.3)."""

from collections.abc import Sequence
from http import HTTPStatus

from dicomweb.answer import responsemodule
from dicomweb.errors import RequestRejected
from dicomweb.outcomes import Failed, Outcome, Stored, status_of
from dicomweb.reasons import FailureReason
from transaction.gateway import StoreResponse

UNFORESEEN = "the request could not be processed, expected that it can be when sent again"


def report(outcomes: Sequence[Outcome], media_type: str, retrieve_base_url: str) -> StoreResponse:
    """Answer with the Store Instances Response Module."""
    stored = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    warned = [(instance.warning, instance.text) for instance in stored if instance.warning]
    url = responsemodule.study_url(stored, retrieve_base_url)
    module = responsemodule.store_instances_response(outcomes, retrieve_base_url)
    return StoreResponse(
        status=status_of(outcomes),
        media_type=media_type,
        body=responsemodule.encode(module, media_type),
        warnings=[*((failure.reason, failure.text) for failure in failed), *warned],
        headers={"Location": url} if url else {},
    )


def refusal(status: HTTPStatus, reason: FailureReason, text: str, media_type: str) -> StoreResponse:
    """Answer a request of which nothing was stored with a Status Report."""
    return StoreResponse(
        status=status,
        media_type=media_type,
        body=responsemodule.encode(responsemodule.status_report(text), media_type),
        warnings=[(reason, text)],
    )


def refusal_of(error: Exception) -> tuple[HTTPStatus, FailureReason, str]:
    """Return status, reason and text for a request that ``error`` ended.

    The last resort for what nobody foresaw is 503: any status outside the closed set is worse.
    """
    if isinstance(error, RequestRejected):
        return error.status, error.reason, str(error)
    return HTTPStatus.SERVICE_UNAVAILABLE, FailureReason.PROCESSING_FAILURE, UNFORESEEN

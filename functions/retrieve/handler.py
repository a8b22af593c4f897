"""The retrieve and search transactions, step by step (PS3.18 10.4, 10.6)."""

from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from archive.errors import archive_error
from archive.retrieval import Retrieval
from dicomweb.answer.response import StoreResponse
from dicomweb.answer.responsemodule import encode, status_report
from dicomweb.envelope import mediatypes
from dicomweb.errors import MalformedRequest
from dicomweb.retrieval.refusals import NotRetrieved
from dicomweb.uids import is_uid
from retrieve import instances, lists
from retrieve.settings import Settings, settings
from transaction import journal
from transaction.gateway import StoreRequest
from transaction.invocation import answered

_TEMPORARY = "the archive could not be read for now: ask again"
_FAILED = "what is stored could not be read because of an unforeseen error: ask again"

Answer = Callable[[StoreRequest, Retrieval, Settings], StoreResponse]

_RESOURCES: Mapping[str, Answer] = {
    "studies/{study}/series/{series}/instances/{instance}": instances.retrieve_instance,
    "studies/{study}/series/{series}/instances/{instance}/metadata": instances.retrieve_metadata,
    "studies/{study}/series/{series}": instances.retrieve_instances,
    "studies/{study}": instances.retrieve_instances,
    "studies/{study}/instances": lists.search_for_instances,
    "studies/{study}/series/{series}/instances": lists.search_for_instances,
    "studies/{study}/series": lists.search_for_series,
}


def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Answer one request. Whatever happens, the status is in the closed set of retrieval."""
    return answered(
        event,
        lambda request: serve(request, settings()),
        lambda: settings().allowed_origins,
    )


def serve(request: StoreRequest, chosen: Settings) -> StoreResponse:
    """Return what was asked for, or say why not."""
    try:
        check_path(request)
        answer = _RESOURCES[request.resource](request, retrieval(chosen), chosen)
    except Exception as error:  # noqa: BLE001 - otherwise the answer has no reason
        answer = refuse(error, request)
    journal.logger.info(
        "retrieve", extra={"request_id": request.request_id, "status": int(answer.status)}
    )
    return answer


def check_path(request: StoreRequest) -> None:
    """Raise MalformedRequest if a study, series or instance in the URL is not a UID."""
    for name, value in request.in_path.items():
        if not is_uid(value):
            raise MalformedRequest(f"found a {name} in the URL that is not a UID, expected a UID")


def refuse(error: Exception, request: StoreRequest) -> StoreResponse:
    """Answer with a Status Report (PS3.18 10.4.3.3)."""
    if isinstance(error, NotRetrieved | MalformedRequest):
        return report(error.status, str(error), request)
    if archive_error(error).temporary:
        return report(HTTPStatus.SERVICE_UNAVAILABLE, _TEMPORARY, request)
    journal.log_unforeseen(error, request_id=request.request_id)
    return report(HTTPStatus.SERVICE_UNAVAILABLE, _FAILED, request)


def report(status: HTTPStatus, text: str, request: StoreRequest) -> StoreResponse:
    """Return an answer that says in words why nothing was returned."""
    media_type = mediatypes.negotiate(request.headers.get("accept"), request.accept_parameter)
    return StoreResponse(
        status=status,
        media_type=media_type,
        body=encode(status_report(text), media_type),
        warnings=[(None, text)],
    )


@cache
def retrieval(chosen: Settings) -> Retrieval:
    """Return what this environment reads from, made once."""
    return Retrieval(chosen.archive_bucket, chosen.index_table)

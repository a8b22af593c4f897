"""Retrieve Capabilities (PS3.18 8.9), and the answer to a CORS preflight."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from capabilities.settings import allowed_origins, retrieves
from dicomweb.answer import capabilities
from dicomweb.answer.response import StoreResponse
from transaction import gateway
from transaction.gateway import StoreRequest
from transaction.invocation import answered

_VARIABLES = {
    "{study}": "{StudyInstanceUID}",
    "{series}": "{SeriesInstanceUID}",
    "{instance}": "{SOPInstanceUID}",
}


def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Answer one request. Whatever happens, the status is in the closed set."""
    return answered(event, describe, allowed_origins)


def describe(request: StoreRequest) -> StoreResponse:
    """Answer OPTIONS: the capabilities of the resource, and a preflight if it is one.

    The resources of uploads are not the standard's, so they have methods and no description. That
    of commitment has none either: clients know it by the standard.
    """
    if request.resource.startswith("commitment-requests"):
        methods = "GET, POST, OPTIONS"
        return _answer(request, "application/json", "{}", methods, methods)
    if request.resource.startswith("uploads"):
        methods = "GET, OPTIONS" if "{id}" in request.resource else "POST, OPTIONS"
        return _answer(request, "application/json", "{}", methods, methods)
    path = request.resource
    for variable, attribute in _VARIABLES.items():
        path = path.replace(variable, attribute)
    media_type, body = capabilities.describe(
        path, request.base_url, request.headers.get("accept"), retrieves=retrieves()
    )
    own = capabilities.methods(path, retrieves=retrieves())
    return _answer(request, media_type, body, ", ".join(["OPTIONS", *own]), _of_pages(path, own))


def _of_pages(path: str, methods: Sequence[str]) -> str:
    """Return the methods that a page may use; those of the base are those of all resources."""
    return ", ".join([*(methods if path else ["POST"]), "OPTIONS"])


def _answer(
    request: StoreRequest, media_type: str, body: str, allowed: str, methods: str
) -> StoreResponse:
    headers = {"Allow": allowed}
    headers |= gateway.preflight_headers(request, allowed_origins(), methods)
    return StoreResponse(status=HTTPStatus.OK, media_type=media_type, body=body, headers=headers)
